-- Whether an order of this price would pass a ceiling of the day. All who open supplier orders take turns here, so that two of them count
-- each other.
CREATE OR REPLACE FUNCTION supply_day_stop(p_supplier text, p_variant uuid, p_cents bigint, p_limits jsonb, OUT stop text, OUT is_news boolean) LANGUAGE plpgsql AS $$
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
