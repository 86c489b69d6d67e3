-- Closes a line's need when nothing is missing to it.
CREATE OR REPLACE FUNCTION supply_close(p_line uuid) RETURNS void LANGUAGE sql AS $$
	UPDATE supply_needs SET status = 'done', due_at = NULL WHERE order_line_id = p_line AND status = 'open' AND supply_missing(p_line, quantity) <= 0
$$;
