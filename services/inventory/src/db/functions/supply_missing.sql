-- Units of a line that have no product key yet.
CREATE OR REPLACE FUNCTION supply_missing(p_line uuid, p_quantity integer) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT p_quantity - count(*)::integer FROM key_allocations WHERE order_line_id = p_line AND replacement_no = 0
$$;
