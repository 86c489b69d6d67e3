-- Each delivered unit of an order by its last product key. Seen is also what staff looked at after the sale, and a top-up, which its player
-- has.
CREATE OR REPLACE FUNCTION inventory_units_of(p_order uuid) RETURNS TABLE (key_id uuid, order_line_id uuid, unit_no integer, state text) LANGUAGE sql STABLE AS $$
	SELECT DISTINCT ON (a.order_line_id, a.unit_no) a.key_id, a.order_line_id, a.unit_no,
		CASE WHEN a.withdrawn_at IS NOT NULL OR EXISTS (SELECT FROM complaints c WHERE c.key_id = a.key_id AND c.order_id = p_order AND c.status = 'refunded') THEN 'closed'
			WHEN k.kind = 'receipt' OR EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND (r.actor NOT LIKE 'staff:%' OR r.at >= a.allocated_at)) THEN 'seen'
			ELSE 'open' END
	FROM key_allocations a JOIN product_keys k ON k.id = a.key_id WHERE a.order_id = p_order ORDER BY a.order_line_id, a.unit_no, a.replacement_no DESC
$$;
