-- Gives a line what stock has now, unless it is a top-up, and closes its need when nothing is missing. Answers how many units nobody covers
-- yet.
CREATE OR REPLACE FUNCTION supply_fill(p_line uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	need supply_needs%ROWTYPE;
	uncovered integer;
	bound integer;
BEGIN
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line;
	PERFORM pg_advisory_xact_lock(hashtextextended(need.order_id::text, 0));
	SELECT * INTO need FROM supply_needs WHERE order_line_id = p_line AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	uncovered := supply_uncovered(p_line, need.quantity);
	IF uncovered > 0 AND need.game_account IS NULL THEN
		bound := inventory_bind(need.order_id, need.customer_id, p_line, need.variant_id, need.quantity, ARRAY(
			SELECT id FROM product_keys WHERE variant_id = need.variant_id AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
			ORDER BY expires_at NULLS LAST, id LIMIT uncovered FOR UPDATE SKIP LOCKED));
		PERFORM inventory_tell_stock(need.variant_id, -bound);
		PERFORM supply_told(need, bound);
		uncovered := uncovered - bound;
	END IF;
	PERFORM supply_close(p_line);
	RETURN greatest(uncovered, 0);
END $$;
