-- Opens a supplier order for units that nothing else covers; the lock on the need makes two routers count each other. No order is opened
-- beyond a ceiling: of orders and of money for this need, whatever became of them, and of the day. Answers the quantity, 0 for none, and
-- which ceiling was reached.
CREATE OR REPLACE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer, p_limits jsonb, OUT units integer, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
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

-- For processes of the version before, which know no ceilings, while they still run.
CREATE OR REPLACE FUNCTION supply_open(p_id uuid, p_line uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE sql AS $$
	SELECT units FROM supply_open(p_id, p_line, p_supplier, p_quantity,
		'{"needSpareOrders": 10, "needTimes": 4, "needCents": 500000, "supplierDayCents": 2000000, "dayCents": 5000000}')
$$;
