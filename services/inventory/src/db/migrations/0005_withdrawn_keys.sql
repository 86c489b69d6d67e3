ALTER TABLE "key_allocations" ADD COLUMN "withdrawn_at" timestamp with time zone;
--> statement-breakpoint
-- An allocation stays as it was written, except for this column; locking its row needs it too.
GRANT UPDATE ("withdrawn_at") ON "key_allocations" TO inventory_app;
--> statement-breakpoint
-- A customer's look and the withdrawal wait for each other on the allocation's row: what was withdrawn is never seen.
CREATE FUNCTION key_reveals_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.actor NOT LIKE 'staff:%' THEN
		PERFORM FROM key_allocations WHERE key_id = NEW.key_id FOR SHARE;
		IF EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.key_id AND withdrawn_at IS NOT NULL) THEN
			RAISE EXCEPTION 'this product key was withdrawn' USING ERRCODE = 'KE045';
		END IF;
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER key_reveals_check BEFORE INSERT ON "key_reveals" FOR EACH ROW EXECUTE FUNCTION key_reveals_check();
--> statement-breakpoint
-- Answers how many keys of the order its customer has seen; closes the others when no more were seen than the caller knows of.
CREATE FUNCTION inventory_withdraw_keys(p_order uuid, p_revealed_max integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	revealed integer;
BEGIN
	PERFORM FROM key_allocations WHERE order_id = p_order ORDER BY key_id FOR NO KEY UPDATE;
	SELECT count(*) INTO revealed FROM key_allocations a WHERE a.order_id = p_order
		AND EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%');
	IF revealed <= p_revealed_max THEN
		UPDATE key_allocations a SET withdrawn_at = now() WHERE a.order_id = p_order AND a.withdrawn_at IS NULL
			AND NOT EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%');
	END IF;
	RETURN revealed;
END $$;
