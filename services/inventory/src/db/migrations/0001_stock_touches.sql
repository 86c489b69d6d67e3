CREATE TABLE "stock_touches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stock_touches_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"variant_id" uuid NOT NULL
);
--> statement-breakpoint
ALTER TABLE "key_batches" ADD COLUMN "problems" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
-- A count made in each buyer's transaction does not see the other buyers of this moment, so the last one told could be wrong for
-- ever. Instead each change leaves a touch, and the sweep tell-stock counts after it and tells.
CREATE OR REPLACE FUNCTION inventory_tell_stock(p_variant uuid, p_delta integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO stock_touches (variant_id) SELECT p_variant WHERE p_delta <> 0
$$;
--> statement-breakpoint
-- The other direction of product_keys_check_move, at commit: an allocation whose product key stayed for sale would be sold again.
CREATE FUNCTION key_allocations_check_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM product_keys WHERE id = NEW.key_id AND status = 'allocated') THEN
		RAISE EXCEPTION 'an allocation needs its product key allocated in the same transaction' USING ERRCODE = 'KE012';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER key_allocations_check_key AFTER INSERT ON "key_allocations" DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION key_allocations_check_key();
