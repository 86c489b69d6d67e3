CREATE TABLE "key_allocations" (
	"key_id" uuid PRIMARY KEY NOT NULL,
	"order_line_id" uuid NOT NULL,
	"unit_no" integer NOT NULL,
	"replacement_no" integer DEFAULT 0 NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"allocated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "key_allocations_unit" UNIQUE("order_line_id","unit_no","replacement_no"),
	CONSTRAINT "key_allocations_unit_no" CHECK ("key_allocations"."unit_no" > 0)
);
--> statement-breakpoint
CREATE TABLE "key_audit" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"from_status" text NOT NULL,
	"to_status" text NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_batches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"label" text NOT NULL,
	"import_id" uuid,
	"wrapped_dek" "bytea" NOT NULL,
	"kek_id" text NOT NULL,
	"imported_count" integer NOT NULL,
	"duplicate_count" integer NOT NULL,
	"invalid_count" integer NOT NULL,
	"unit_cost_rial" bigint,
	"expires_at" timestamp with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "key_batches_import_id_unique" UNIQUE("import_id")
);
--> statement-breakpoint
CREATE TABLE "key_reveals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"session_id" uuid,
	"reason" text,
	"ip" text NOT NULL,
	"user_agent" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"claimed_until" timestamp with time zone,
	"sent_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "product_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"batch_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"ciphertext" "bytea" NOT NULL,
	"blind_index" "bytea" NOT NULL,
	"blind_index_version" smallint NOT NULL,
	"masked" text NOT NULL,
	"status" text NOT NULL,
	"reservation_id" uuid,
	"expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "product_keys_once" UNIQUE("brand","blind_index_version","blind_index"),
	CONSTRAINT "product_keys_reserved_for" CHECK (("product_keys"."status" = 'reserved') = ("product_keys"."reservation_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "reservations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"round" integer NOT NULL,
	"status" text NOT NULL,
	"unit_count" integer NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "reservations_once" UNIQUE("order_id","round")
);
--> statement-breakpoint
CREATE TABLE "vault_checks" (
	"kek_id" text PRIMARY KEY NOT NULL,
	"proof" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "key_allocations" ADD CONSTRAINT "key_allocations_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_audit" ADD CONSTRAINT "key_audit_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_reveals" ADD CONSTRAINT "key_reveals_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "product_keys" ADD CONSTRAINT "product_keys_batch_id_key_batches_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."key_batches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "key_allocations_order" ON "key_allocations" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "key_allocations_customer" ON "key_allocations" USING btree ("customer_id","key_id");--> statement-breakpoint
CREATE INDEX "key_reveals_key" ON "key_reveals" USING btree ("key_id","at");--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("id") WHERE "outbox"."sent_at" is null;--> statement-breakpoint
CREATE INDEX "product_keys_available" ON "product_keys" USING btree ("variant_id","expires_at","id") WHERE "product_keys"."status" = 'available';--> statement-breakpoint
CREATE INDEX "product_keys_reserved" ON "product_keys" USING btree ("reservation_id") WHERE "product_keys"."status" = 'reserved';--> statement-breakpoint
CREATE INDEX "product_keys_expiring" ON "product_keys" USING btree ("expires_at") WHERE "product_keys"."status" = 'available' and "product_keys"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX "product_keys_batch" ON "product_keys" USING btree ("batch_id");--> statement-breakpoint
CREATE INDEX "reservations_due" ON "reservations" USING btree ("expires_at") WHERE "reservations"."status" = 'held';--> statement-breakpoint
-- A product key's way: nothing leads back from allocated, and nobody allocates without the row that says to whom.
CREATE FUNCTION product_keys_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
		('available', 'reserved'), ('available', 'allocated'), ('available', 'quarantined'), ('available', 'expired'), ('available', 'void'),
		('reserved', 'available'), ('reserved', 'allocated'), ('quarantined', 'available'), ('quarantined', 'void'), ('expired', 'void')
	) THEN
		RAISE EXCEPTION 'a product key cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE011';
	END IF;
	IF NEW.status = 'allocated' AND NOT EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.id) THEN
		RAISE EXCEPTION 'a product key is allocated only with its allocation' USING ERRCODE = 'KE012';
	END IF;
	IF NEW.variant_id <> OLD.variant_id OR NEW.batch_id <> OLD.batch_id OR NEW.brand <> OLD.brand THEN
		RAISE EXCEPTION 'a product key stays what it is' USING ERRCODE = 'KE013';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER product_keys_check_move BEFORE UPDATE ON "product_keys" FOR EACH ROW EXECUTE FUNCTION product_keys_check_move();
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "product_keys", "key_batches", "reservations" FROM inventory_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "key_allocations", "key_reveals", "key_audit", "vault_checks" FROM inventory_app;
--> statement-breakpoint
-- Tells the catalogue when a variant's stock passes a mark that shoppers see: none, few (5 or less), enough.
CREATE FUNCTION inventory_tell_stock(p_variant uuid, p_delta integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	after_count integer;
	before_count integer;
BEGIN
	SELECT count(*) INTO after_count FROM (SELECT 1 FROM product_keys WHERE variant_id = p_variant AND status = 'available' LIMIT 1000) counted;
	before_count := after_count - p_delta;
	IF (after_count = 0) <> (before_count <= 0) OR (after_count <= 5) <> (before_count <= 5) THEN
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'stock.changed', jsonb_build_object(
			'variantId', p_variant, 'availableCount', after_count, 'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
	END IF;
END $$;
--> statement-breakpoint
-- All units of an order or none. Demand is summed per variant first: two lines of one variant are one demand. Units are taken in
-- variant order and SKIP LOCKED, so parallel checkouts neither wait for each other nor deadlock.
CREATE FUNCTION inventory_reserve(p_reservation uuid, p_order uuid, p_round integer, p_expires timestamptz, p_lines jsonb) RETURNS TABLE (reservation_id uuid, state text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	demand record;
	taken integer;
	wanted integer := (SELECT sum((line->>'quantity')::integer) FROM jsonb_array_elements(p_lines) line);
BEGIN
	INSERT INTO reservations (id, order_id, round, status, unit_count, expires_at)
		VALUES (p_reservation, p_order, p_round, 'held', wanted, p_expires) ON CONFLICT (order_id, round) DO NOTHING;
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
		IF taken < demand.quantity THEN
			RAISE EXCEPTION 'short' USING ERRCODE = 'KE010', DETAIL = demand.variant::text;
		END IF;
		PERFORM inventory_tell_stock(demand.variant, -taken);
	END LOOP;
	RETURN QUERY SELECT p_reservation, 'held'::text;
END $$;
--> statement-breakpoint
-- Ends a hold once: only the statement that moves it from held gives its units back.
CREATE FUNCTION inventory_let_go(p_reservation uuid, p_to text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	freed record;
BEGIN
	UPDATE reservations SET status = p_to WHERE id = p_reservation AND status = 'held' AND (p_to <> 'expired' OR expires_at <= now());
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	FOR freed IN WITH back AS (UPDATE product_keys SET status = 'available', reservation_id = NULL WHERE reservation_id = p_reservation AND status = 'reserved' RETURNING variant_id)
		SELECT variant_id, count(*)::integer AS units FROM back GROUP BY 1 ORDER BY 1
	LOOP
		PERFORM inventory_tell_stock(freed.variant_id, freed.units);
	END LOOP;
	RETURN true;
END $$;
--> statement-breakpoint
-- The allocation row first, then the status that demands it. UNIQUE(order_line_id, unit_no, replacement_no) and the primary key on key_id decide.
CREATE FUNCTION inventory_bind(p_order uuid, p_customer uuid, p_line uuid, p_variant uuid, p_quantity integer, p_keys uuid[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	bound integer;
BEGIN
	WITH free_units AS (
		SELECT unit_no, row_number() OVER (ORDER BY unit_no) AS nth FROM generate_series(1, p_quantity) AS g(unit_no)
		WHERE NOT EXISTS (SELECT FROM key_allocations a WHERE a.order_line_id = p_line AND a.unit_no = g.unit_no AND a.replacement_no = 0)
	)
	INSERT INTO key_allocations (key_id, order_line_id, unit_no, order_id, customer_id, variant_id)
		SELECT k.id, p_line, u.unit_no, p_order, p_customer, p_variant FROM unnest(p_keys) WITH ORDINALITY AS k(id, nth) JOIN free_units u ON u.nth = k.nth;
	GET DIAGNOSTICS bound = ROW_COUNT;
	UPDATE product_keys SET status = 'allocated', reservation_id = NULL WHERE id = ANY (p_keys) AND status IN ('reserved', 'available');
	RETURN bound;
END $$;
--> statement-breakpoint
-- Binds product keys to each unit of a paid order's lines. Repeated or at once with itself, it answers the keys of the first time.
-- Units come from the order's hold; when that ran out, from what is available now; what is still missing stays missing.
CREATE FUNCTION inventory_fulfill(p_order uuid, p_customer uuid, p_round integer, p_lines jsonb) RETURNS TABLE (order_line_id uuid, key_id uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	line record;
	hold uuid;
	needed integer;
	bound integer;
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
		IF needed > bound THEN
			bound := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
				SELECT id FROM product_keys WHERE variant_id = line.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
				ORDER BY expires_at NULLS LAST, id LIMIT needed - bound FOR UPDATE SKIP LOCKED));
			PERFORM inventory_tell_stock(line.variant, -bound);
		END IF;
	END LOOP;
	-- A hold is larger than its order only if lines were bound before it; the rest goes back to stock.
	IF hold IS NOT NULL THEN
		UPDATE product_keys SET status = 'available', reservation_id = NULL WHERE reservation_id = hold AND status = 'reserved';
	END IF;
	RETURN QUERY SELECT a.order_line_id, a.key_id FROM key_allocations a WHERE a.order_id = p_order ORDER BY a.order_line_id, a.unit_no;
END $$;
