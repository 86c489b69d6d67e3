-- What the rules have given away on complaints since then, to one customer or to all; it is counted under the lock of inventory_complain.
CREATE OR REPLACE FUNCTION complaint_given_rial(p_customer uuid, p_since timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(value_rial), 0)::bigint FROM complaints
	WHERE decided_by = 'rules' AND status IN ('replaced', 'refunded') AND decided_at > p_since AND (p_customer IS NULL OR customer_id = p_customer)
$$;
