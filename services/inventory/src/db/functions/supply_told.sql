-- Tells orders that product keys were bound to a line of theirs; nothing when none were.
CREATE OR REPLACE FUNCTION supply_told(p_need supply_needs, p_count integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO outbox (id, type, data) SELECT uuidv7(), 'keys.allocated',
		jsonb_build_object('orderId', p_need.order_id, 'orderLineId', p_need.order_line_id, 'count', p_count) WHERE p_count > 0
$$;
