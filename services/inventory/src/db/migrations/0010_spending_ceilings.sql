CREATE TABLE "spend_stops" (
	"scope" text NOT NULL,
	"day" date NOT NULL,
	"reason" text NOT NULL,
	"supplier" text NOT NULL,
	"variant_id" uuid NOT NULL,
	"spent_cents" bigint NOT NULL,
	"wanted_cents" bigint NOT NULL,
	"max_cents" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "spend_stops_scope_day_pk" PRIMARY KEY("scope","day")
);
--> statement-breakpoint
ALTER TABLE "procurements" ADD COLUMN "need_line_id" uuid;--> statement-breakpoint
ALTER TABLE "procurements" ADD COLUMN "at_risk_cents" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "procurements" ADD CONSTRAINT "procurements_need_line_id_supply_needs_order_line_id_fk" FOREIGN KEY ("need_line_id") REFERENCES "public"."supply_needs"("order_line_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "procurements_need" ON "procurements" USING btree ("need_line_id");--> statement-breakpoint
CREATE INDEX "procurements_created" ON "procurements" USING btree ("created_at");--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "spend_stops" FROM inventory_app;
--> statement-breakpoint
-- What was ordered until now counts too; which need an order was for, once it was taken from its line, is not known any more.
UPDATE procurements SET need_line_id = order_line_id, at_risk_cents = quantity::bigint * unit_max_cents;
--> statement-breakpoint
-- As before. A supplier that refused may have sold all the same. The need that an order was for and what it counts stay; `updated_at` is
-- when its status became what it is.
CREATE OR REPLACE FUNCTION procurements_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
		('ordering', 'placed'), ('ordering', 'refused'), ('ordering', 'unknown'), ('ordering', 'not_placed'), ('ordering', 'review'),
		('unknown', 'placed'), ('unknown', 'not_placed'), ('unknown', 'review'),
		('not_placed', 'placed'), ('not_placed', 'review'),
		('refused', 'placed'), ('refused', 'review'),
		('placed', 'received'), ('placed', 'cancelled'), ('placed', 'review')
	) THEN
		RAISE EXCEPTION 'a supplier order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE041';
	END IF;
	IF (NEW.supplier, NEW.product_ref, NEW.variant_id, NEW.quantity, NEW.unit_max_cents, NEW.need_line_id)
		IS DISTINCT FROM (OLD.supplier, OLD.product_ref, OLD.variant_id, OLD.quantity, OLD.unit_max_cents, OLD.need_line_id)
		OR OLD.supplier_order_id IS NOT NULL AND NEW.supplier_order_id IS DISTINCT FROM OLD.supplier_order_id
		OR NEW.at_risk_cents < OLD.at_risk_cents AND (OLD.status, NEW.status) IS DISTINCT FROM ('ordering', 'refused') THEN
		RAISE EXCEPTION 'a supplier order stays what it is' USING ERRCODE = 'KE042';
	END IF;
	IF NEW.status <> OLD.status THEN
		NEW.updated_at := now();
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
-- When the day of Tehran began that this moment is in: days of spending are the shop's.
CREATE FUNCTION supply_day_start(p_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	SELECT date_trunc('day', p_at AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran'
$$;
--> statement-breakpoint
-- What was ordered today counts as spent, whatever became of it: of one supplier, or of all for null. Cents of EUR and of USD count alike.
CREATE FUNCTION supply_spent(p_supplier text) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(at_risk_cents), 0)::bigint FROM procurements
		WHERE created_at >= supply_day_start(now()) AND (p_supplier IS NULL OR supplier = p_supplier)
$$;
--> statement-breakpoint
-- Whether a supplier is not asked for a need (or, without one, for the stock of a variant) now. Who is switched off or rests is not asked at
-- all; who cheated on it or took it for later never again; who failed, after two minutes, then four, then eight.
CREATE FUNCTION supply_excludes(p_line uuid, p_variant uuid, p_supplier text) RETURNS boolean LANGUAGE sql STABLE AS $$
	WITH earlier AS (
		SELECT id, status, order_line_id, updated_at FROM procurements WHERE p_line IS NOT NULL AND need_line_id = p_line AND supplier = p_supplier
		UNION ALL
		SELECT id, status, order_line_id, updated_at FROM procurements
			WHERE p_line IS NULL AND need_line_id IS NULL AND variant_id = p_variant AND supplier = p_supplier AND created_at > now() - interval '1 day')
	SELECT EXISTS (SELECT FROM supplier_states s WHERE s.supplier = p_supplier AND (NOT s.is_enabled OR s.cooldown_until > now()))
		OR EXISTS (SELECT FROM earlier e WHERE e.status = 'review' OR p_line IS NOT NULL AND e.order_line_id IS NULL
			OR EXISTS (SELECT FROM supplied_units u WHERE u.procurement_id = e.id
				AND (u.verdict = 'duplicate' OR u.verdict = 'taken-back' AND u.at > now() - interval '2 minutes')))
		OR coalesce((SELECT max(updated_at) + interval '1 minute' * power(2, least(count(*), 5)) > now()
			FROM earlier WHERE status IN ('refused', 'not_placed', 'cancelled')), false)
$$;
--> statement-breakpoint
-- Writes down that a ceiling was reached; answers whether that is news today.
CREATE FUNCTION supply_stop(p_scope text, p_reason text, p_supplier text, p_variant uuid, p_spent bigint, p_wanted bigint, p_max bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO spend_stops (scope, day, reason, supplier, variant_id, spent_cents, wanted_cents, max_cents)
		VALUES (p_scope, (now() AT TIME ZONE 'Asia/Tehran')::date, p_reason, p_supplier, p_variant, p_spent, p_wanted, p_max) ON CONFLICT DO NOTHING;
	RETURN FOUND;
END $$;
--> statement-breakpoint
-- Whether an order of this price would pass a ceiling of the day. All who open supplier orders take turns here, so that two of them count each other.
CREATE FUNCTION supply_day_stop(p_supplier text, p_variant uuid, p_cents bigint, p_limits jsonb, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
DECLARE
	spent bigint;
	most bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('supply spending', 0));
	spent := supply_spent(p_supplier);
	most := (p_limits->>'supplierDayCents')::bigint;
	IF spent + p_cents > most THEN
		stop := 'supplier:' || p_supplier;
	ELSE
		spent := supply_spent(NULL);
		most := (p_limits->>'dayCents')::bigint;
		IF spent + p_cents > most THEN
			stop := 'all';
		END IF;
	END IF;
	IF stop IS NOT NULL THEN
		is_news := supply_stop(stop, 'spending of the day', p_supplier, p_variant, spent, p_cents, most);
	END IF;
END $$;
--> statement-breakpoint
-- Opens a supplier order for units that nothing else covers; the lock on the need makes two routers count each other. No order is opened
-- beyond a ceiling: of orders and of money for this need, whatever became of them, and of the day. Answers the quantity, 0 for none, and
-- which ceiling was reached.
CREATE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer, p_limits jsonb, OUT units integer, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
DECLARE
	need supply_needs%ROWTYPE;
	offer supplier_offers%ROWTYPE;
	orders integer;
	spent bigint;
	cents bigint;
	most bigint;
BEGIN
	units := 0;
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND OR supply_uncovered(p_line, need.quantity) <= 0 THEN
		RETURN;
	END IF;
	SELECT * INTO offer FROM supplier_offers WHERE variant_id = need.variant_id AND supplier = p_supplier AND is_enabled;
	IF NOT FOUND OR supply_excludes(p_line, need.variant_id, p_supplier) THEN
		RETURN;
	END IF;
	units := least(p_quantity, supply_uncovered(p_line, need.quantity));
	cents := units::bigint * offer.unit_max_cents;
	-- What a supplier took beyond our maximum is the day's loss and with a person; the line may still be bought elsewhere.
	SELECT count(*), coalesce(sum(least(at_risk_cents, quantity::bigint * unit_max_cents)), 0) INTO orders, spent FROM procurements WHERE need_line_id = p_line;
	SELECT least((p_limits->>'needCents')::bigint, (p_limits->>'needTimes')::bigint * need.quantity * max(unit_max_cents)) INTO most
		FROM supplier_offers WHERE variant_id = need.variant_id AND is_enabled;
	IF orders >= need.quantity + (p_limits->>'needSpareOrders')::integer OR spent + cents > most THEN
		stop := 'need:' || p_line;
		is_news := supply_stop(stop, CASE WHEN spent + cents > most THEN 'spending for one line' ELSE 'orders for one line' END,
			p_supplier, need.variant_id, spent, cents, most);
	ELSE
		SELECT d.stop, d.is_news INTO stop, is_news FROM supply_day_stop(p_supplier, need.variant_id, cents, p_limits) d;
	END IF;
	IF stop IS NOT NULL THEN
		units := 0;
		RETURN;
	END IF;
	INSERT INTO procurements (id, order_line_id, need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, at_risk_cents, allows_pre_order, game_account, status, fetch_after, due_at)
		VALUES (p_id, p_line, p_line, offer.variant_id, offer.brand, offer.supplier, offer.product_ref, units, offer.unit_max_cents, cents, offer.allows_pre_order, need.game_account,
			'ordering', now() + make_interval(secs => offer.fetch_delay_seconds), now() + interval '60 seconds');
END $$;
--> statement-breakpoint
-- Opens a supplier order for stock while available and coming units are below the target; the lock makes two buyers count each other. What
-- was ordered today and brought nothing to sell is lost: it may not be more than the target itself.
CREATE FUNCTION supply_open_stock(p_id uuid, p_variant uuid, p_supplier text, p_quantity integer, p_limits jsonb, OUT units integer, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
DECLARE
	offer supplier_offers%ROWTYPE;
	lost integer;
	target integer;
	cents bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('buy ahead ' || p_variant::text, 0));
	units := least(p_quantity, supply_stock_short(p_variant));
	SELECT * INTO offer FROM supplier_offers WHERE variant_id = p_variant AND supplier = p_supplier AND is_enabled;
	IF units <= 0 OR offer.variant_id IS NULL OR supply_excludes(NULL, p_variant, p_supplier) THEN
		units := 0;
		RETURN;
	END IF;
	cents := units::bigint * offer.unit_max_cents;
	SELECT coalesce(sum(p.quantity - (SELECT count(*) FROM supplied_units u WHERE u.procurement_id = p.id AND u.verdict = 'stored')), 0)::integer INTO lost
		FROM procurements p WHERE p.need_line_id IS NULL AND p.variant_id = p_variant AND p.created_at >= supply_day_start(now())
			AND p.at_risk_cents > 0 AND p.status NOT IN ('ordering', 'unknown', 'placed');
	SELECT max(target_stock_count) INTO target FROM supplier_offers WHERE variant_id = p_variant AND is_enabled;
	IF lost >= target THEN
		stop := 'stock:' || p_variant;
		is_news := supply_stop(stop, 'bought ahead for nothing', p_supplier, p_variant, lost::bigint * offer.unit_max_cents, cents, target::bigint * offer.unit_max_cents);
	ELSE
		SELECT d.stop, d.is_news INTO stop, is_news FROM supply_day_stop(p_supplier, p_variant, cents, p_limits) d;
	END IF;
	IF stop IS NOT NULL THEN
		units := 0;
		RETURN;
	END IF;
	INSERT INTO procurements (id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, at_risk_cents, status, due_at)
		VALUES (p_id, p_variant, offer.brand, offer.supplier, offer.product_ref, units, offer.unit_max_cents, cents, 'ordering', now() + interval '60 seconds');
END $$;
--> statement-breakpoint
-- For processes of the version before, which know no ceilings, while they still run.
CREATE OR REPLACE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE sql AS $$
	SELECT units FROM supply_open(p_id, p_line, p_supplier, p_quantity,
		'{"needSpareOrders": 10, "needTimes": 4, "needCents": 500000, "supplierDayCents": 2000000, "dayCents": 5000000}')
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION supply_open_stock(p_id uuid, p_variant uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE sql AS $$
	SELECT units FROM supply_open_stock(p_id, p_variant, p_supplier, p_quantity, '{"supplierDayCents": 2000000, "dayCents": 5000000}')
$$;
