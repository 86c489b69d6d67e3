CREATE TABLE "procurements" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_line_id" uuid,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"supplier" text NOT NULL,
	"product_ref" text NOT NULL,
	"quantity" integer NOT NULL,
	"unit_max_cents" integer NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"supplier_order_id" text,
	"unit_price_cents" integer,
	"settled_count" integer DEFAULT 0 NOT NULL,
	"look_count" integer DEFAULT 0 NOT NULL,
	"fetch_after" timestamp with time zone DEFAULT now() NOT NULL,
	"watch_until" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone,
	CONSTRAINT "procurements_supplier_order" UNIQUE("supplier","supplier_order_id"),
	CONSTRAINT "procurements_quantity" CHECK ("procurements"."quantity" > 0 and "procurements"."settled_count" between 0 and "procurements"."quantity")
);
--> statement-breakpoint
CREATE TABLE "supplied_units" (
	"supplier" text NOT NULL,
	"unit_ref" text NOT NULL,
	"procurement_id" uuid NOT NULL,
	"key_id" uuid,
	"verdict" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "supplied_units_supplier_unit_ref_pk" PRIMARY KEY("supplier","unit_ref")
);
--> statement-breakpoint
CREATE TABLE "supplier_calls" (
	"id" uuid PRIMARY KEY NOT NULL,
	"supplier" text NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"status" integer,
	"duration_ms" integer NOT NULL,
	"request" text,
	"answer" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "supplier_offers" (
	"variant_id" uuid NOT NULL,
	"supplier" text NOT NULL,
	"product_ref" text NOT NULL,
	"brand" text NOT NULL,
	"unit_max_cents" integer NOT NULL,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"fetch_delay_seconds" integer DEFAULT 0 NOT NULL,
	"target_stock_count" integer DEFAULT 0 NOT NULL,
	"quote_cents" integer,
	"quote_stock_count" integer DEFAULT 0 NOT NULL,
	"quoted_at" timestamp with time zone,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "supplier_offers_variant_id_supplier_pk" PRIMARY KEY("variant_id","supplier"),
	CONSTRAINT "supplier_offers_max" CHECK ("supplier_offers"."unit_max_cents" > 0 and "supplier_offers"."target_stock_count" between 0 and 1000)
);
--> statement-breakpoint
CREATE TABLE "supplier_states" (
	"supplier" text PRIMARY KEY NOT NULL,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"cooldown_until" timestamp with time zone,
	"balance_cents" bigint,
	"balance_at" timestamp with time zone,
	"balance_alarm_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "supply_needs" (
	"order_line_id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"quantity" integer NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone DEFAULT now()
);
--> statement-breakpoint
ALTER TABLE "product_keys" ADD COLUMN "kind" text DEFAULT 'text' NOT NULL;--> statement-breakpoint
ALTER TABLE "procurements" ADD CONSTRAINT "procurements_order_line_id_supply_needs_order_line_id_fk" FOREIGN KEY ("order_line_id") REFERENCES "public"."supply_needs"("order_line_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplied_units" ADD CONSTRAINT "supplied_units_procurement_id_procurements_id_fk" FOREIGN KEY ("procurement_id") REFERENCES "public"."procurements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplied_units" ADD CONSTRAINT "supplied_units_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "procurements_line" ON "procurements" USING btree ("order_line_id");--> statement-breakpoint
CREATE INDEX "procurements_recent" ON "procurements" USING btree ("supplier","created_at");--> statement-breakpoint
CREATE INDEX "procurements_due" ON "procurements" USING btree ("due_at") WHERE "procurements"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "supplied_units_procurement" ON "supplied_units" USING btree ("procurement_id");--> statement-breakpoint
CREATE INDEX "supplier_calls_recent" ON "supplier_calls" USING btree ("supplier","at");--> statement-breakpoint
CREATE INDEX "supplier_offers_due" ON "supplier_offers" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "supply_needs_order" ON "supply_needs" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "supply_needs_due" ON "supply_needs" USING btree ("due_at") WHERE "supply_needs"."status" = 'open';--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "supply_needs", "procurements" FROM inventory_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "supplied_units" FROM inventory_app;
--> statement-breakpoint
-- What a supplier order may become. `received`, `refused` and `cancelled` are the end; `not_placed` is looked at for a day more.
CREATE FUNCTION procurements_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
		('ordering', 'placed'), ('ordering', 'refused'), ('ordering', 'unknown'), ('ordering', 'review'),
		('unknown', 'placed'), ('unknown', 'not_placed'), ('unknown', 'review'),
		('not_placed', 'placed'), ('not_placed', 'review'),
		('placed', 'received'), ('placed', 'cancelled'), ('placed', 'review')
	) THEN
		RAISE EXCEPTION 'a supplier order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE041';
	END IF;
	IF (NEW.supplier, NEW.product_ref, NEW.variant_id, NEW.quantity, NEW.unit_max_cents) IS DISTINCT FROM (OLD.supplier, OLD.product_ref, OLD.variant_id, OLD.quantity, OLD.unit_max_cents)
		OR OLD.supplier_order_id IS NOT NULL AND NEW.supplier_order_id IS DISTINCT FROM OLD.supplier_order_id THEN
		RAISE EXCEPTION 'a supplier order stays what it is' USING ERRCODE = 'KE042';
	END IF;
	NEW.updated_at := now();
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER procurements_check_move BEFORE UPDATE ON "procurements" FOR EACH ROW EXECUTE FUNCTION procurements_check_move();
--> statement-breakpoint
-- Whether a supplier seems to have so many units within our price: enough to sell what the vault lacks.
CREATE FUNCTION supply_can(p_variant uuid, p_units integer) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM supplier_offers o LEFT JOIN supplier_states s ON s.supplier = o.supplier
		WHERE o.variant_id = p_variant AND o.is_enabled AND coalesce(s.is_enabled, true) AND coalesce(s.cooldown_until <= now(), true)
			AND o.quote_cents <= o.unit_max_cents AND o.quote_stock_count >= p_units AND o.quoted_at > now() - interval '1 hour')
$$;
--> statement-breakpoint
-- Units of a line that have no product key yet, and those of them that no living supplier order will bring.
CREATE FUNCTION supply_missing(p_line uuid, p_quantity integer) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT p_quantity - count(*)::integer FROM key_allocations WHERE order_line_id = p_line AND replacement_no = 0
$$;
--> statement-breakpoint
CREATE FUNCTION supply_uncovered(p_line uuid, p_quantity integer) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT supply_missing(p_line, p_quantity) - coalesce(sum(quantity - settled_count), 0)::integer
		FROM procurements WHERE order_line_id = p_line AND status IN ('ordering', 'unknown', 'placed')
$$;
--> statement-breakpoint
-- Gives a line what stock has now, and closes its need when nothing is missing. Answers how many units nobody covers yet.
CREATE FUNCTION supply_fill(p_line uuid) RETURNS integer LANGUAGE plpgsql AS $$
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
	IF uncovered > 0 THEN
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
CREATE FUNCTION supply_told(p_need supply_needs, p_count integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO outbox (id, type, data) SELECT uuidv7(), 'keys.allocated',
		jsonb_build_object('orderId', p_need.order_id, 'orderLineId', p_need.order_line_id, 'count', p_count) WHERE p_count > 0
$$;
--> statement-breakpoint
CREATE FUNCTION supply_close(p_line uuid) RETURNS void LANGUAGE sql AS $$
	UPDATE supply_needs SET status = 'done', due_at = NULL WHERE order_line_id = p_line AND status = 'open' AND supply_missing(p_line, quantity) <= 0
$$;
--> statement-breakpoint
-- Opens a supplier order for units that nothing else covers; the lock on the need makes two routers count each other. Answers the quantity, 0 for none.
CREATE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE plpgsql AS $$
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
	INSERT INTO procurements (id, order_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, status, fetch_after, due_at)
		SELECT p_id, p_line, variant_id, brand, supplier, product_ref, units, unit_max_cents, 'ordering', now() + make_interval(secs => fetch_delay_seconds), now() + interval '60 seconds'
		FROM supplier_offers WHERE variant_id = need.variant_id AND supplier = p_supplier AND is_enabled;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN units;
END $$;
--> statement-breakpoint
-- Takes units of a supplier order in, each once: sealed keys into the vault and to the line that waits, the rest to stock. A unit
-- whose ciphertext is null was taken back by the supplier; one whose text is here already is a duplicate and stays uncounted as stock.
CREATE FUNCTION supply_receive(p_procurement uuid, p_batch uuid, p_refs text[], p_ids uuid[], p_ciphertexts bytea[], p_blind bytea[], p_version smallint, p_masked text[], p_kinds text[])
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
	FOR unit IN SELECT * FROM unnest(p_refs, p_ids, p_ciphertexts, p_blind, p_masked, p_kinds) AS u(ref, id, ciphertext, blind, masked, kind) LOOP
		IF settled + p.settled_count >= p.quantity OR EXISTS (SELECT FROM supplied_units WHERE supplier = p.supplier AND unit_ref = unit.ref) THEN
			CONTINUE;
		END IF;
		settled := settled + 1;
		IF unit.ciphertext IS NULL THEN
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, verdict) VALUES (p.supplier, unit.ref, p.id, 'taken-back');
			CONTINUE;
		END IF;
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status)
			VALUES (unit.id, p_batch, p.variant_id, p.brand, unit.ciphertext, unit.blind, p_version, unit.masked, unit.kind, 'available')
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
	PERFORM inventory_tell_stock(p.variant_id, stored_count - bound);
	RETURN QUERY SELECT stored_count, duplicate_count;
END $$;
--> statement-breakpoint
-- As before, and what the vault lacks may be promised where a supplier seems to have it.
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
	FOR demand IN SELECT (line->>'variantId')::uuid AS variant, sum((line->>'quantity')::integer)::integer AS quantity
		FROM jsonb_array_elements(p_lines) line GROUP BY 1 ORDER BY 1
	LOOP
		WITH pick AS MATERIALIZED (
			SELECT id FROM product_keys WHERE variant_id = demand.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
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
-- As before, and what is missing of a variant that suppliers sell becomes a need in the same transaction.
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
	FOR line IN SELECT (l->>'orderLineId')::uuid AS id, (l->>'variantId')::uuid AS variant, (l->>'quantity')::integer AS quantity
		FROM jsonb_array_elements(p_lines) l ORDER BY 2, 1
	LOOP
		SELECT line.quantity - count(*) INTO needed FROM key_allocations a WHERE a.order_line_id = line.id AND a.replacement_no = 0;
		bound := 0;
		IF needed > 0 AND hold IS NOT NULL THEN
			bound := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
				SELECT id FROM product_keys WHERE reservation_id = hold AND variant_id = line.variant AND status = 'reserved' ORDER BY id LIMIT needed));
		END IF;
		IF needed > bound AND NOT EXISTS (SELECT FROM supply_needs n WHERE n.order_line_id = line.id AND n.status = 'open') THEN
			taken := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
				SELECT id FROM product_keys WHERE variant_id = line.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
				ORDER BY expires_at NULLS LAST, id LIMIT needed - bound FOR UPDATE SKIP LOCKED));
			PERFORM inventory_tell_stock(line.variant, -taken);
			bound := bound + taken;
			IF needed > bound AND EXISTS (SELECT FROM supplier_offers o WHERE o.variant_id = line.variant AND o.is_enabled) THEN
				INSERT INTO supply_needs (order_line_id, order_id, customer_id, variant_id, quantity) VALUES (line.id, p_order, p_customer, line.variant, line.quantity) ON CONFLICT DO NOTHING;
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
-- Opens a supplier order for stock while available and coming units are below the target; the lock makes two buyers count each other.
CREATE FUNCTION supply_open_stock(p_id uuid, p_variant uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	units integer;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('buy ahead ' || p_variant::text, 0));
	units := least(p_quantity, supply_stock_short(p_variant));
	IF units <= 0 THEN
		RETURN 0;
	END IF;
	INSERT INTO procurements (id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, status, due_at)
		SELECT p_id, variant_id, brand, supplier, product_ref, units, unit_max_cents, 'ordering', now() + interval '60 seconds'
		FROM supplier_offers WHERE variant_id = p_variant AND supplier = p_supplier AND is_enabled;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	RETURN units;
END $$;
--> statement-breakpoint
-- Units that are missing to a variant's target: what is on the shelf and what is on its way there counts.
CREATE FUNCTION supply_stock_short(p_variant uuid) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT max(target_stock_count) FROM supplier_offers WHERE variant_id = p_variant AND is_enabled), 0)
		- (SELECT count(*)::integer FROM product_keys WHERE variant_id = p_variant AND status = 'available')
		- coalesce((SELECT sum(quantity - settled_count)::integer FROM procurements
			WHERE variant_id = p_variant AND order_line_id IS NULL AND status IN ('ordering', 'unknown', 'placed')), 0)
$$;
