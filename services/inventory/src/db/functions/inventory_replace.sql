-- Binds another product key to the unit of one that does not work, which is looked for by its living allocation. Answers null when stock
-- has none. The unique unit and replacement number make two replacements of one key impossible.
CREATE OR REPLACE FUNCTION inventory_replace(p_key uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	bad key_allocations%ROWTYPE;
	fresh uuid;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key AND withdrawn_at IS NULL;
	PERFORM pg_advisory_xact_lock(hashtextextended(bad.order_id::text, 0));
	SELECT id INTO fresh FROM product_keys WHERE variant_id = bad.variant_id AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
		-- Another batch first: what is wrong with one key is often wrong with its neighbours.
		ORDER BY batch_id = (SELECT batch_id FROM product_keys WHERE id = p_key), expires_at NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF fresh IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO key_allocations (key_id, order_line_id, unit_no, replacement_no, order_id, customer_id, variant_id)
		VALUES (fresh, bad.order_line_id, bad.unit_no, bad.replacement_no + 1, bad.order_id, bad.customer_id, bad.variant_id);
	UPDATE product_keys SET status = 'allocated' WHERE id = fresh AND status = 'available';
	PERFORM inventory_tell_stock(bad.variant_id, -1);
	RETURN fresh;
END $$;
