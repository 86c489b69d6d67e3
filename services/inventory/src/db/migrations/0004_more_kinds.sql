CREATE TABLE "complaint_pictures" (
	"complaint_id" uuid PRIMARY KEY NOT NULL,
	"content_type" text NOT NULL,
	"ciphertext" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_import_lines" (
	"import_id" uuid NOT NULL,
	"line" integer NOT NULL,
	"problem" text,
	"key_id" uuid,
	"ciphertext" "bytea",
	"kind" text DEFAULT 'text' NOT NULL,
	"masked" text NOT NULL,
	"blind_index_version" smallint NOT NULL,
	"blind_index" "bytea",
	"previous_index" "bytea",
	"more_indexes" "bytea"[],
	CONSTRAINT "key_import_lines_import_id_line_pk" PRIMARY KEY("import_id","line")
);
--> statement-breakpoint
CREATE TABLE "key_imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"platform" text NOT NULL,
	"label" text NOT NULL,
	"line_format" text NOT NULL,
	"takes_any_format" boolean NOT NULL,
	"on_duplicate" text NOT NULL,
	"is_dry_run" boolean NOT NULL,
	"wrapped_dek" "bytea" NOT NULL,
	"kek_id" text NOT NULL,
	"unit_cost_rial" bigint,
	"expires_at" timestamp with time zone,
	"created_by" text NOT NULL,
	"status" text DEFAULT 'receiving' NOT NULL,
	"line_count" integer DEFAULT 0 NOT NULL,
	"imported_count" integer DEFAULT 0 NOT NULL,
	"duplicate_count" integer DEFAULT 0 NOT NULL,
	"invalid_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "product_key_codes" (
	"brand" text NOT NULL,
	"blind_index_version" smallint NOT NULL,
	"blind_index" "bytea" NOT NULL,
	"key_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	CONSTRAINT "product_key_codes_brand_blind_index_version_blind_index_pk" PRIMARY KEY("brand","blind_index_version","blind_index")
);
--> statement-breakpoint
CREATE TABLE "supplier_claims" (
	"complaint_id" uuid PRIMARY KEY NOT NULL,
	"procurement_id" uuid NOT NULL,
	"supplier" text NOT NULL,
	"unit_ref" text NOT NULL,
	"status" text DEFAULT 'due' NOT NULL,
	"note" text,
	"delivered_at" timestamp with time zone NOT NULL,
	"asked_at" timestamp with time zone,
	"due_at" timestamp with time zone DEFAULT now()
);
--> statement-breakpoint
ALTER TABLE "procurements" ADD COLUMN "allows_pre_order" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "procurements" ADD COLUMN "game_account" jsonb;--> statement-breakpoint
ALTER TABLE "supplier_offers" ADD COLUMN "allows_pre_order" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "supply_needs" ADD COLUMN "game_account" jsonb;--> statement-breakpoint
ALTER TABLE "complaint_pictures" ADD CONSTRAINT "complaint_pictures_complaint_id_complaints_id_fk" FOREIGN KEY ("complaint_id") REFERENCES "public"."complaints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_import_lines" ADD CONSTRAINT "key_import_lines_import_id_key_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."key_imports"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "product_key_codes" ADD CONSTRAINT "product_key_codes_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplier_claims" ADD CONSTRAINT "supplier_claims_complaint_id_complaints_id_fk" FOREIGN KEY ("complaint_id") REFERENCES "public"."complaints"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplier_claims" ADD CONSTRAINT "supplier_claims_procurement_id_procurements_id_fk" FOREIGN KEY ("procurement_id") REFERENCES "public"."procurements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "key_import_lines_same" ON "key_import_lines" USING btree ("import_id","blind_index") WHERE "key_import_lines"."problem" is null;--> statement-breakpoint
CREATE INDEX "key_imports_due" ON "key_imports" USING btree ("due_at") WHERE "key_imports"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "product_key_codes_key" ON "product_key_codes" USING btree ("key_id");--> statement-breakpoint
CREATE INDEX "supplier_claims_due" ON "supplier_claims" USING btree ("due_at") WHERE "supplier_claims"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "supplier_claims_procurement" ON "supplier_claims" USING btree ("procurement_id");
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "key_imports", "supplier_claims" FROM inventory_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "complaint_pictures" FROM inventory_app;
--> statement-breakpoint
-- As before; where orders before the day of release are taken, a price is enough.
CREATE OR REPLACE FUNCTION supply_can(p_variant uuid, p_units integer) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM supplier_offers o LEFT JOIN supplier_states s ON s.supplier = o.supplier
		WHERE o.variant_id = p_variant AND o.is_enabled AND coalesce(s.is_enabled, true) AND coalesce(s.cooldown_until <= now(), true)
			AND o.quote_cents <= o.unit_max_cents AND (o.quote_stock_count >= p_units OR o.allows_pre_order) AND o.quoted_at > now() - interval '1 hour')
$$;
--> statement-breakpoint
-- As before; a top-up takes nothing from stock.
CREATE OR REPLACE FUNCTION supply_fill(p_line uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	need supply_needs%ROWTYPE;
	uncovered integer;
	bound integer;
BEGIN
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line;
	PERFORM pg_advisory_xact_lock(hashtextextended(need.order_id::text, 0));
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	uncovered := supply_uncovered(p_line, need.quantity);
	IF uncovered > 0 AND need.game_account IS NULL THEN
		bound := inventory_bind(need.order_id, need.customer_id, p_line, need.variant_id, need.quantity, ARRAY(
			SELECT id FROM product_keys WHERE variant_id = need.variant_id AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
			ORDER BY expires_at NULLS LAST, id LIMIT uncovered FOR UPDATE SKIP LOCKED));
		PERFORM inventory_tell_stock(need.variant_id, -bound);
		PERFORM supply_told(need, bound);
		uncovered := uncovered - bound;
	END IF;
	PERFORM supply_close(p_line);
	RETURN greatest(uncovered, 0);
END $$;
--> statement-breakpoint
-- As before, with where a top-up goes and whether the supplier may deliver on the day of release.
CREATE OR REPLACE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	need supply_needs%ROWTYPE;
	units integer;
BEGIN
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	units := least(p_quantity, supply_uncovered(p_line, need.quantity));
	IF units <= 0 THEN
		RETURN 0;
	END IF;
	INSERT INTO procurements (id, order_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, allows_pre_order, game_account, status, fetch_after, due_at)
		SELECT p_id, p_line, variant_id, brand, supplier, product_ref, units, unit_max_cents, allows_pre_order, need.game_account, 'ordering', now() + make_interval(secs => fetch_delay_seconds), now() + interval '60 seconds'
		FROM supplier_offers WHERE variant_id = need.variant_id AND supplier = p_supplier AND is_enabled;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN units;
END $$;
--> statement-breakpoint
DROP FUNCTION supply_receive(uuid, uuid, text[], uuid[], bytea[], bytea[], smallint, text[], text[]);
--> statement-breakpoint
-- As before. Known is also a code that is part of another unit, and, while the key of the index is being changed, one that is known
-- under the key before it. The receipt of a top-up that no line waits for is nothing to sell.
CREATE FUNCTION supply_receive(p_procurement uuid, p_batch uuid, p_refs text[], p_ids uuid[], p_ciphertexts bytea[], p_blind bytea[], p_version smallint,
	p_previous bytea[], p_previous_version smallint, p_masked text[], p_kinds text[])
RETURNS TABLE (stored integer, duplicates integer) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	p procurements%ROWTYPE;
	need supply_needs%ROWTYPE;
	unit record;
	fresh uuid[] := '{}';
	stored_count integer := 0;
	duplicate_count integer := 0;
	settled integer := 0;
	bound integer := 0;
	useless integer := 0;
BEGIN
	SELECT n.* INTO need FROM procurements q JOIN supply_needs n ON n.order_line_id = q.order_line_id WHERE q.id = p_procurement;
	IF FOUND THEN
		PERFORM pg_advisory_xact_lock(hashtextextended(need.order_id::text, 0));
	END IF;
	SELECT * INTO p FROM procurements WHERE id = p_procurement AND status = 'placed' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 0, 0;
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('codes of ' || p.brand, 0));
	FOR unit IN SELECT * FROM unnest(p_refs, p_ids, p_ciphertexts, p_blind, p_previous, p_masked, p_kinds) AS u(ref, id, ciphertext, blind, previous, masked, kind) LOOP
		IF settled + p.settled_count >= p.quantity OR EXISTS (SELECT FROM supplied_units WHERE supplier = p.supplier AND unit_ref = unit.ref) THEN
			CONTINUE;
		END IF;
		settled := settled + 1;
		IF unit.ciphertext IS NULL THEN
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, verdict) VALUES (p.supplier, unit.ref, p.id, 'taken-back');
			CONTINUE;
		END IF;
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status)
			SELECT unit.id, p_batch, p.variant_id, p.brand, unit.ciphertext, unit.blind, p_version, unit.masked, unit.kind, 'available'
			WHERE NOT inventory_knows(p.brand, p_version, unit.blind, p_previous_version, unit.previous)
			ON CONFLICT (brand, blind_index_version, blind_index) DO NOTHING;
		IF FOUND THEN
			fresh := fresh || unit.id;
			stored_count := stored_count + 1;
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, key_id, verdict) VALUES (p.supplier, unit.ref, p.id, unit.id, 'stored');
		ELSE
			duplicate_count := duplicate_count + 1;
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, verdict) VALUES (p.supplier, unit.ref, p.id, 'duplicate');
		END IF;
	END LOOP;
	UPDATE procurements SET settled_count = settled_count + settled,
		status = CASE WHEN settled_count + settled = quantity THEN 'received' ELSE status END,
		-- All is here; one look more tells whether the supplier made two orders of it.
		due_at = CASE WHEN settled_count + settled = quantity THEN now() + interval '2 minutes' ELSE due_at END
		WHERE id = p.id;
	IF need.order_line_id IS NOT NULL THEN
		SELECT * INTO need FROM supply_needs WHERE order_line_id = need.order_line_id FOR NO KEY UPDATE;
		IF need.status = 'open' AND stored_count > 0 THEN
			bound := inventory_bind(need.order_id, need.customer_id, need.order_line_id, need.variant_id, need.quantity,
				fresh[1:greatest(supply_missing(need.order_line_id, need.quantity), 0)]);
			PERFORM supply_told(need, bound);
			PERFORM supply_close(need.order_line_id);
		END IF;
		-- What this order did not bring after all is bought elsewhere, now.
		UPDATE supply_needs SET due_at = now() WHERE order_line_id = need.order_line_id AND status = 'open' AND supply_uncovered(order_line_id, quantity) > 0;
	END IF;
	UPDATE product_keys SET status = 'quarantined' WHERE id = ANY (fresh) AND status = 'available' AND kind = 'receipt';
	GET DIAGNOSTICS useless = ROW_COUNT;
	PERFORM inventory_tell_stock(p.variant_id, stored_count - bound - useless);
	RETURN QUERY SELECT stored_count, duplicate_count;
END $$;
--> statement-breakpoint
-- Whether a code is here: as a unit or as a part of one, under the key of the index or the one before it.
CREATE FUNCTION inventory_knows(p_brand text, p_version smallint, p_index bytea, p_previous_version smallint, p_previous bytea) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM product_keys WHERE brand = p_brand AND blind_index_version = p_version AND blind_index = p_index)
		OR EXISTS (SELECT FROM product_key_codes WHERE brand = p_brand AND blind_index_version = p_version AND blind_index = p_index)
		OR p_previous IS NOT NULL AND (EXISTS (SELECT FROM product_keys WHERE brand = p_brand AND blind_index_version = p_previous_version AND blind_index = p_previous)
			OR EXISTS (SELECT FROM product_key_codes WHERE brand = p_brand AND blind_index_version = p_previous_version AND blind_index = p_previous))
$$;
--> statement-breakpoint
-- As before; lines of top-ups hold nothing and need a supplier.
CREATE OR REPLACE FUNCTION inventory_reserve(p_reservation uuid, p_order uuid, p_round integer, p_expires timestamptz, p_lines jsonb) RETURNS TABLE (reservation_id uuid, state text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	demand record;
	taken integer;
	held integer := 0;
BEGIN
	INSERT INTO reservations (id, order_id, round, status, unit_count, expires_at)
		VALUES (p_reservation, p_order, p_round, 'held', 0, p_expires) ON CONFLICT (order_id, round) DO NOTHING;
	IF NOT FOUND THEN
		RETURN QUERY SELECT r.id, r.status FROM reservations r WHERE r.order_id = p_order AND r.round = p_round;
		RETURN;
	END IF;
	FOR demand IN SELECT (line->>'variantId')::uuid AS variant, line ? 'gameAccount' AS is_top_up, sum((line->>'quantity')::integer)::integer AS quantity
		FROM jsonb_array_elements(p_lines) line GROUP BY 1, 2 ORDER BY 1, 2
	LOOP
		WITH pick AS MATERIALIZED (
			SELECT id FROM product_keys WHERE variant_id = demand.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now()) AND NOT demand.is_top_up
			ORDER BY expires_at NULLS LAST, id LIMIT demand.quantity FOR UPDATE SKIP LOCKED)
		UPDATE product_keys k SET status = 'reserved', reservation_id = p_reservation FROM pick WHERE k.id = pick.id;
		GET DIAGNOSTICS taken = ROW_COUNT;
		IF taken < demand.quantity AND NOT supply_can(demand.variant, demand.quantity - taken) THEN
			RAISE EXCEPTION 'short' USING ERRCODE = 'KE010', DETAIL = demand.variant::text;
		END IF;
		held := held + taken;
		PERFORM inventory_tell_stock(demand.variant, -taken);
	END LOOP;
	UPDATE reservations SET unit_count = held WHERE id = p_reservation;
	RETURN QUERY SELECT p_reservation, 'held'::text;
END $$;
--> statement-breakpoint
-- As before; a line of a top-up takes nothing from stock, whatever stock has.
CREATE OR REPLACE FUNCTION inventory_fulfill(p_order uuid, p_customer uuid, p_round integer, p_lines jsonb) RETURNS TABLE (order_line_id uuid, key_id uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	line record;
	hold uuid;
	needed integer;
	bound integer;
	taken integer;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(p_order::text, 0));
	UPDATE reservations SET status = 'consumed' WHERE order_id = p_order AND round = p_round AND status = 'held' RETURNING id INTO hold;
	FOR line IN SELECT (l->>'orderLineId')::uuid AS id, (l->>'variantId')::uuid AS variant, (l->>'quantity')::integer AS quantity, l->'gameAccount' AS account
		FROM jsonb_array_elements(p_lines) l ORDER BY 2, 1
	LOOP
		SELECT line.quantity - count(*) INTO needed FROM key_allocations a WHERE a.order_line_id = line.id AND a.replacement_no = 0;
		bound := 0;
		IF needed > 0 AND hold IS NOT NULL AND line.account IS NULL THEN
			bound := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
				SELECT id FROM product_keys WHERE reservation_id = hold AND variant_id = line.variant AND status = 'reserved' ORDER BY id LIMIT needed));
		END IF;
		IF needed > bound AND NOT EXISTS (SELECT FROM supply_needs n WHERE n.order_line_id = line.id AND n.status = 'open') THEN
			IF line.account IS NULL THEN
				taken := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
					SELECT id FROM product_keys WHERE variant_id = line.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
					ORDER BY expires_at NULLS LAST, id LIMIT needed - bound FOR UPDATE SKIP LOCKED));
				PERFORM inventory_tell_stock(line.variant, -taken);
				bound := bound + taken;
			END IF;
			IF needed > bound AND EXISTS (SELECT FROM supplier_offers o WHERE o.variant_id = line.variant AND o.is_enabled) THEN
				INSERT INTO supply_needs (order_line_id, order_id, customer_id, variant_id, quantity, game_account)
					VALUES (line.id, p_order, p_customer, line.variant, line.quantity, line.account) ON CONFLICT DO NOTHING;
			END IF;
		END IF;
	END LOOP;
	-- A hold is larger than its order only if lines were bound before it; the rest goes back to stock.
	IF hold IS NOT NULL THEN
		UPDATE product_keys SET status = 'available', reservation_id = NULL WHERE reservation_id = hold AND status = 'reserved';
	END IF;
	RETURN QUERY SELECT a.order_line_id, a.key_id FROM key_allocations a WHERE a.order_id = p_order ORDER BY a.order_line_id, a.unit_no;
END $$;
--> statement-breakpoint
-- As before; what a supplier sold is to be claimed from it, and where a fresh key is due and neither stock nor a supplier has one, the
-- money goes back.
CREATE OR REPLACE FUNCTION inventory_complain(p_id uuid, p_key uuid, p_order uuid, p_customer uuid, p_reason text, p_note text)
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
	INSERT INTO supplier_claims (complaint_id, procurement_id, supplier, unit_ref, delivered_at)
		SELECT p_id, u.procurement_id, u.supplier, u.unit_ref, u.at FROM supplied_units u WHERE u.key_id = p_key AND p_reason <> 'not-active-yet';
	-- One customer's complaints one after another, so that two at once do not both count as the first.
	PERFORM pg_advisory_xact_lock(hashtextextended('complaints of ' || p_customer::text, 0));
	IF p_reason <> 'not-active-yet' AND bad.replacement_no = 0 AND bad.allocated_at > now() - interval '72 hours'
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.customer_id = p_customer AND c.id <> p_id AND c.created_at > now() - interval '30 days') THEN
		fresh := inventory_replace(p_key);
		IF fresh IS NULL AND NOT supply_can(bad.variant_id, 1) THEN
			UPDATE complaints SET status = 'refunded', decided_by = 'rules', decision = 'first complaint, no fresh key to be had', decided_at = now() WHERE id = p_id;
			INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'key.refund-due', jsonb_build_object(
				'complaintId', p_id, 'orderId', p_order, 'orderLineId', bad.order_line_id, 'keyId', p_key));
		END IF;
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
--> statement-breakpoint
-- Moves the good lines of an import into the vault as one batch, or only tells what would become of them. What is here already is found
-- first, so that an import that refuses duplicates refuses before it writes; who comes in between makes the insert fail and the job repeat.
CREATE FUNCTION inventory_store_import(p_import uuid, p_previous_version smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	i key_imports%ROWTYPE;
	good integer;
	duplicates integer;
	invalid integer;
	stored integer;
BEGIN
	SELECT * INTO i FROM key_imports WHERE id = p_import AND status = 'storing' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- Units of several codes are compared across two tables; nobody else of this brand writes meanwhile.
	IF i.line_format = 'codes' THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('codes of ' || i.brand, 0));
		UPDATE key_import_lines l SET problem = 'duplicate-in-file' FROM (
			SELECT DISTINCT later.line FROM key_import_lines later CROSS JOIN unnest(later.blind_index || later.more_indexes) AS code
				JOIN LATERAL (SELECT earlier.line FROM key_import_lines earlier WHERE earlier.import_id = p_import AND earlier.problem IS NULL
					AND earlier.line < later.line AND code = ANY (earlier.blind_index || earlier.more_indexes) LIMIT 1) AS same ON true
			WHERE later.import_id = p_import AND later.problem IS NULL) AS twice
			WHERE l.import_id = p_import AND l.line = twice.line;
	ELSE
		PERFORM pg_advisory_xact_lock_shared(hashtextextended('codes of ' || i.brand, 0));
	END IF;
	UPDATE key_import_lines l SET problem = 'duplicate-in-stock' WHERE l.import_id = p_import AND l.problem IS NULL AND (
		inventory_knows(i.brand, l.blind_index_version, l.blind_index, p_previous_version, l.previous_index)
		OR EXISTS (SELECT FROM unnest(l.more_indexes) AS code WHERE inventory_knows(i.brand, l.blind_index_version, code, NULL, NULL)));
	SELECT count(*) FILTER (WHERE problem IS NULL), count(*) FILTER (WHERE problem IN ('duplicate-in-file', 'duplicate-in-stock')),
		count(*) FILTER (WHERE problem IN ('empty', 'malformed', 'unexpected-format')) INTO good, duplicates, invalid FROM key_import_lines WHERE import_id = p_import;
	IF NOT i.is_dry_run AND (i.on_duplicate = 'skip' OR duplicates + invalid = 0) THEN
		INSERT INTO key_batches (id, variant_id, brand, label, import_id, wrapped_dek, kek_id, imported_count, duplicate_count, invalid_count, unit_cost_rial, expires_at, created_by)
			VALUES (i.id, i.variant_id, i.brand, i.label, i.id, i.wrapped_dek, i.kek_id, good, duplicates, invalid, i.unit_cost_rial, i.expires_at, i.created_by);
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status, expires_at)
			SELECT key_id, i.id, i.variant_id, i.brand, ciphertext, blind_index, blind_index_version, masked, kind, 'available', i.expires_at
			FROM key_import_lines WHERE import_id = p_import AND problem IS NULL ORDER BY line;
		INSERT INTO product_key_codes (brand, blind_index_version, blind_index, key_id, position)
			SELECT i.brand, l.blind_index_version, code.index, l.key_id, code.position FROM key_import_lines l
			CROSS JOIN unnest(l.more_indexes) WITH ORDINALITY AS code(index, position) WHERE l.import_id = p_import AND l.problem IS NULL;
		PERFORM inventory_tell_stock(i.variant_id, good);
		stored := good;
	END IF;
	UPDATE key_imports SET status = CASE WHEN i.is_dry_run THEN 'checked' WHEN stored IS NULL THEN 'refused' ELSE 'done' END,
		imported_count = CASE WHEN i.is_dry_run THEN good ELSE coalesce(stored, 0) END, duplicate_count = duplicates, invalid_count = invalid, due_at = now() + interval '30 days'
		WHERE id = p_import;
	DELETE FROM key_import_lines WHERE import_id = p_import AND problem IS NULL;
	UPDATE key_import_lines SET ciphertext = NULL, blind_index = NULL, previous_index = NULL, more_indexes = NULL WHERE import_id = p_import;
END $$;
