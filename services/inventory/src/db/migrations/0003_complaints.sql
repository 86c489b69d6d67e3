CREATE TABLE "complaints" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"batch_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"note" text,
	"status" text DEFAULT 'open' NOT NULL,
	"replacement_key_id" uuid,
	"decided_by" text,
	"decision" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	CONSTRAINT "complaints_key_id_unique" UNIQUE("key_id")
);
--> statement-breakpoint
ALTER TABLE "complaints" ADD CONSTRAINT "complaints_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "complaints" ADD CONSTRAINT "complaints_batch_id_key_batches_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."key_batches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "complaints" ADD CONSTRAINT "complaints_replacement_key_id_product_keys_id_fk" FOREIGN KEY ("replacement_key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "complaints_customer" ON "complaints" USING btree ("customer_id","created_at");--> statement-breakpoint
CREATE INDEX "complaints_batch" ON "complaints" USING btree ("batch_id");--> statement-breakpoint
CREATE INDEX "complaints_open" ON "complaints" USING btree ("created_at") WHERE "complaints"."status" = 'open';--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "complaints" FROM inventory_app;
--> statement-breakpoint
-- Binds another product key to the unit of one that does not work. Answers null when stock has none. The unique unit and replacement
-- number make two replacements of one key impossible.
CREATE FUNCTION inventory_replace(p_key uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	bad key_allocations%ROWTYPE;
	fresh uuid;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key;
	PERFORM pg_advisory_xact_lock(hashtextextended(bad.order_id::text, 0));
	SELECT id INTO fresh FROM product_keys WHERE variant_id = bad.variant_id AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
		-- Another batch first: what is wrong with one key is often wrong with its neighbours.
		ORDER BY batch_id = (SELECT batch_id FROM product_keys WHERE id = p_key), expires_at NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF fresh IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO key_allocations (key_id, order_line_id, unit_no, replacement_no, order_id, customer_id, variant_id)
		VALUES (fresh, bad.order_line_id, bad.unit_no, bad.replacement_no + 1, bad.order_id, bad.customer_id, bad.variant_id);
	UPDATE product_keys SET status = 'allocated' WHERE id = fresh AND status = 'available';
	PERFORM inventory_tell_stock(bad.variant_id, -1);
	RETURN fresh;
END $$;
--> statement-breakpoint
-- Takes a complaint in and decides it where the rules can: a first and fresh complaint of somebody who has looked at the key is replaced
-- at once; anything else is a person's. Three customers with one batch freeze what is left of it. The same complaint again changes nothing.
CREATE FUNCTION inventory_complain(p_id uuid, p_key uuid, p_order uuid, p_customer uuid, p_reason text, p_note text)
RETURNS TABLE (status text, is_new boolean, is_frozen boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	bad key_allocations%ROWTYPE;
	batch uuid;
	fresh uuid;
	frozen integer := 0;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key AND order_id = p_order AND customer_id = p_customer;
	SELECT batch_id INTO batch FROM product_keys WHERE id = bad.key_id;
	INSERT INTO complaints (id, key_id, order_id, customer_id, batch_id, reason, note) VALUES (p_id, bad.key_id, p_order, p_customer, batch, p_reason, p_note)
		ON CONFLICT (key_id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN QUERY SELECT c.status, false, false FROM complaints c WHERE c.key_id = p_key;
		RETURN;
	END IF;
	-- One customer's complaints one after another, so that two at once do not both count as the first.
	PERFORM pg_advisory_xact_lock(hashtextextended('complaints of ' || p_customer::text, 0));
	IF p_reason <> 'not-active-yet' AND bad.replacement_no = 0 AND bad.allocated_at > now() - interval '72 hours'
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.customer_id = p_customer AND c.id <> p_id AND c.created_at > now() - interval '30 days') THEN
		fresh := inventory_replace(p_key);
	END IF;
	IF fresh IS NOT NULL THEN
		UPDATE complaints SET status = 'replaced', replacement_key_id = fresh, decided_by = 'rules', decision = 'first complaint, fresh key', decided_at = now() WHERE id = p_id;
	END IF;
	IF (SELECT count(DISTINCT customer_id) FROM complaints c WHERE c.batch_id = batch) >= 3 THEN
		WITH moved AS (UPDATE product_keys SET status = 'quarantined' WHERE batch_id = batch AND status = 'available' RETURNING id),
		audited AS (INSERT INTO key_audit (id, key_id, actor, from_status, to_status, reason)
			SELECT uuidv7(), id, 'rules', 'available', 'quarantined', 'batch frozen: three complaints' FROM moved)
		SELECT count(*) INTO frozen FROM moved;
		PERFORM inventory_tell_stock((SELECT variant_id FROM key_batches WHERE id = batch), -frozen);
	END IF;
	RETURN QUERY SELECT c.status, true, frozen > 0 FROM complaints c WHERE c.id = p_id;
END $$;
