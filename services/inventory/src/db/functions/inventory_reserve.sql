-- All units of an order or none. Demand is summed per variant first: two lines of one variant are one demand. Units are taken in variant
-- order and SKIP LOCKED, so parallel checkouts neither wait for each other nor deadlock. What the vault lacks may be promised where a
-- supplier seems to have it; a top-up takes nothing from stock. What is sold out is told at once: without a row, a lock, an error to undo,
-- or a second question. Of many who come for the last units most end here, and the others must not wait behind them for a connection.
CREATE OR REPLACE FUNCTION inventory_reserve(p_reservation uuid, p_order uuid, p_round integer, p_expires timestamptz, p_lines jsonb)
RETURNS TABLE (reservation_id uuid, state text, short_variants uuid[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	demand record;
	taken integer;
	held integer := 0;
	short uuid[];
BEGIN
	RETURN QUERY SELECT r.id, r.status, NULL::uuid[] FROM reservations r WHERE r.order_id = p_order AND r.round = p_round;
	IF FOUND THEN
		RETURN;
	END IF;
	short := ARRAY(
		SELECT d.variant FROM (SELECT (line->>'variantId')::uuid AS variant, sum((line->>'quantity')::integer)::integer AS quantity,
				coalesce(sum((line->>'quantity')::integer) FILTER (WHERE NOT line ? 'gameAccount'), 0)::integer AS from_stock
			FROM jsonb_array_elements(p_lines) line GROUP BY 1) d
		CROSS JOIN LATERAL (SELECT count(*)::integer AS units FROM (SELECT 1 FROM product_keys k
			WHERE k.variant_id = d.variant AND k.status = 'available' AND (k.expires_at IS NULL OR k.expires_at > now()) LIMIT d.from_stock) own) stock
		WHERE d.quantity > stock.units AND NOT supply_can(d.variant, d.quantity - stock.units) ORDER BY 1);
	IF cardinality(short) > 0 THEN
		RETURN QUERY SELECT NULL::uuid, 'short'::text, short;
		RETURN;
	END IF;
	INSERT INTO reservations (id, order_id, round, status, unit_count, expires_at)
		VALUES (p_reservation, p_order, p_round, 'held', 0, p_expires) ON CONFLICT (order_id, round) DO NOTHING;
	IF NOT FOUND THEN
		RETURN QUERY SELECT r.id, r.status, NULL::uuid[] FROM reservations r WHERE r.order_id = p_order AND r.round = p_round;
		RETURN;
	END IF;
	FOR demand IN SELECT (line->>'variantId')::uuid AS variant, line ? 'gameAccount' AS is_top_up, sum((line->>'quantity')::integer)::integer AS quantity
		FROM jsonb_array_elements(p_lines) line GROUP BY 1, 2 ORDER BY 1, 2
	LOOP
		WITH pick AS MATERIALIZED (
			SELECT id FROM product_keys WHERE variant_id = demand.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now()) AND NOT demand.is_top_up
			ORDER BY expires_at NULLS LAST, id LIMIT demand.quantity FOR UPDATE SKIP LOCKED)
		UPDATE product_keys k SET status = 'reserved', reservation_id = p_reservation FROM pick WHERE k.id = pick.id;
		GET DIAGNOSTICS taken = ROW_COUNT;
		-- Others hold the units locked that the look has counted: they take them, or give them back.
		IF taken < demand.quantity AND NOT supply_can(demand.variant, demand.quantity - taken) THEN
			RAISE EXCEPTION 'short' USING ERRCODE = 'KE010', DETAIL = demand.variant::text;
		END IF;
		held := held + taken;
		PERFORM inventory_tell_stock(demand.variant, -taken);
	END LOOP;
	UPDATE reservations SET unit_count = held WHERE id = p_reservation;
	RETURN QUERY SELECT p_reservation, 'held'::text, NULL::uuid[];
END $$;
