-- Whether a supplier is not asked for a need (or, without one, for the stock of a variant) now. Who is switched off or rests is not asked
-- at all; who cheated on it or took it for later never again; who failed, after two minutes, then four, then eight.
CREATE OR REPLACE FUNCTION supply_excludes(p_line uuid, p_variant uuid, p_supplier text) RETURNS boolean LANGUAGE sql STABLE AS $$
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
