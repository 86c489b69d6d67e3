-- What a customer has bought in other orders, looked at and kept without a complaint for so many days: the worth of its good name.
CREATE OR REPLACE FUNCTION complaint_good_rial(p_customer uuid, p_order uuid, p_days integer) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(v.unit_rial), 0)::bigint FROM key_allocations a JOIN line_values v ON v.order_line_id = a.order_line_id
	WHERE a.customer_id = p_customer AND a.order_id <> p_order AND a.replacement_no = 0 AND a.withdrawn_at IS NULL
		AND EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor = 'user:' || p_customer AND r.at < now() - make_interval(days => p_days))
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.key_id = a.key_id)
$$;
