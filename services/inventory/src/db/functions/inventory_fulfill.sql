-- Binds product keys to each unit of a paid order's lines. Repeated or at once with itself, it answers the keys of the first time. Units
-- come from the order's hold; when that ran out, from what is available now; what is still missing of a variant that suppliers sell becomes
-- a need in the same transaction. A line of a top-up takes nothing from stock, whatever stock has, and a line that was given up takes
-- nothing any more: its money goes back. So does an order that was refunded whole. A unit whose product key was replaced is answered once, by its first one.
CREATE OR REPLACE FUNCTION inventory_fulfill(p_order uuid, p_customer uuid, p_round integer, p_lines jsonb) RETURNS TABLE (order_line_id uuid, key_id uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	line record;
	hold uuid;
	needed integer;
	bound integer;
	taken integer;
	is_refunded boolean;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(p_order::text, 0));
	is_refunded := EXISTS (SELECT FROM refunded_orders r WHERE r.order_id = p_order);
	UPDATE reservations SET status = 'consumed' WHERE order_id = p_order AND round = p_round AND status = 'held' RETURNING id INTO hold;
	FOR line IN SELECT (l->>'orderLineId')::uuid AS id, (l->>'variantId')::uuid AS variant, (l->>'quantity')::integer AS quantity, l->'gameAccount' AS account
		FROM jsonb_array_elements(p_lines) l ORDER BY 2, 1
	LOOP
		SELECT line.quantity - count(*) INTO needed FROM key_allocations a WHERE a.order_line_id = line.id AND a.replacement_no = 0;
		CONTINUE WHEN is_refunded;
		bound := 0;
		IF needed > 0 AND hold IS NOT NULL AND line.account IS NULL THEN
			bound := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
				SELECT id FROM product_keys WHERE reservation_id = hold AND variant_id = line.variant AND status = 'reserved' ORDER BY id LIMIT needed));
		END IF;
		IF needed > bound AND NOT EXISTS (SELECT FROM supply_needs n WHERE n.order_line_id = line.id AND n.status IN ('open', 'failed')) THEN
			IF line.account IS NULL THEN
				taken := inventory_bind(p_order, p_customer, line.id, line.variant, line.quantity, ARRAY(
					SELECT id FROM product_keys WHERE variant_id = line.variant AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
					ORDER BY expires_at NULLS LAST, id LIMIT needed - bound FOR UPDATE SKIP LOCKED));
				PERFORM inventory_tell_stock(line.variant, -taken);
				bound := bound + taken;
			END IF;
			IF needed > bound AND EXISTS (SELECT FROM supplier_offers o WHERE o.variant_id = line.variant AND o.is_enabled) THEN
				INSERT INTO supply_needs (order_line_id, order_id, customer_id, variant_id, quantity, game_account)
					VALUES (line.id, p_order, p_customer, line.variant, line.quantity, line.account) ON CONFLICT DO NOTHING;
			END IF;
		END IF;
	END LOOP;
	-- A hold is larger than its order only if lines were bound before it; the rest goes back to stock.
	IF hold IS NOT NULL THEN
		UPDATE product_keys SET status = 'available', reservation_id = NULL WHERE reservation_id = hold AND status = 'reserved';
	END IF;
	RETURN QUERY SELECT a.order_line_id, a.key_id FROM key_allocations a WHERE a.order_id = p_order AND a.replacement_no = 0 ORDER BY a.order_line_id, a.unit_no;
END $$;
