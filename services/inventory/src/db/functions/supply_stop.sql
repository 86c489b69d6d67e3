-- Writes down that a ceiling was reached; answers whether that is news today.
CREATE OR REPLACE FUNCTION supply_stop(p_scope text, p_reason text, p_supplier text, p_variant uuid, p_spent bigint, p_wanted bigint, p_max bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO spend_stops (scope, day, reason, supplier, variant_id, spent_cents, wanted_cents, max_cents)
		VALUES (p_scope, (now() AT TIME ZONE 'Asia/Tehran')::date, p_reason, p_supplier, p_variant, p_spent, p_wanted, p_max) ON CONFLICT DO NOTHING;
	RETURN FOUND;
END $$;
