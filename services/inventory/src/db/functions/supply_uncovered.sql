-- Units of a line that have no product key yet and that no living supplier order will bring.
CREATE OR REPLACE FUNCTION supply_uncovered(p_line uuid, p_quantity integer) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT supply_missing(p_line, p_quantity) - coalesce(sum(quantity - settled_count), 0)::integer
		FROM procurements WHERE order_line_id = p_line AND status IN ('ordering', 'unknown', 'placed')
$$;
