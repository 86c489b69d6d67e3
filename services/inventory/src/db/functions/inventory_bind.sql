-- The allocation row first, then the status that demands it. UNIQUE(order_line_id, unit_no, replacement_no) and the primary key on key_id
-- decide.
CREATE OR REPLACE FUNCTION inventory_bind(p_order uuid, p_customer uuid, p_line uuid, p_variant uuid, p_quantity integer, p_keys uuid[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	bound integer;
BEGIN
	WITH free_units AS (
		SELECT unit_no, row_number() OVER (ORDER BY unit_no) AS nth FROM generate_series(1, p_quantity) AS g(unit_no)
		WHERE NOT EXISTS (SELECT FROM key_allocations a WHERE a.order_line_id = p_line AND a.unit_no = g.unit_no AND a.replacement_no = 0)
	)
	INSERT INTO key_allocations (key_id, order_line_id, unit_no, order_id, customer_id, variant_id)
		SELECT k.id, p_line, u.unit_no, p_order, p_customer, p_variant FROM unnest(p_keys) WITH ORDINALITY AS k(id, nth) JOIN free_units u ON u.nth = k.nth;
	GET DIAGNOSTICS bound = ROW_COUNT;
	UPDATE product_keys SET status = 'allocated', reservation_id = NULL WHERE id = ANY (p_keys) AND status IN ('reserved', 'available');
	RETURN bound;
END $$;
