-- Opens a supplier order for stock while available and coming units are below the target; the lock makes two buyers count each other. What
-- was ordered today and brought nothing to sell is lost: it may not be more than the target itself.
CREATE OR REPLACE FUNCTION supply_open_stock(p_id uuid, p_variant uuid, p_supplier text, p_quantity integer, p_limits jsonb, OUT units integer, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
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

-- For processes of the version before, which know no ceilings, while they still run.
CREATE OR REPLACE FUNCTION supply_open_stock(p_id uuid, p_variant uuid, p_supplier text, p_quantity integer) RETURNS integer LANGUAGE sql AS $$
	SELECT units FROM supply_open_stock(p_id, p_variant, p_supplier, p_quantity, '{"supplierDayCents": 2000000, "dayCents": 5000000}')
$$;
