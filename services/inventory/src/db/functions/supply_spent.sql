-- What was ordered today counts as spent, whatever became of it: of one supplier, or of all for null. Cents of EUR and of USD count alike.
CREATE OR REPLACE FUNCTION supply_spent(p_supplier text) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(at_risk_cents), 0)::bigint FROM procurements
		WHERE created_at >= supply_day_start(now()) AND (p_supplier IS NULL OR supplier = p_supplier)
$$;
