-- Withdraws all product keys of an order that were not seen, or those of them that are named, and none when more were seen than
-- p_revealed_max. An order whose keys are withdrawn whole is remembered as refunded: nothing more is bought for it or bound to it. Answers how many were seen; the locks make a look at this moment wait, and be counted or refused.
CREATE OR REPLACE FUNCTION inventory_withdraw_keys(p_order uuid, p_revealed_max integer, p_keys uuid[] DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	revealed integer;
BEGIN
	-- A replacement that is decided at this moment is withdrawn too, or comes too late.
	PERFORM pg_advisory_xact_lock(hashtextextended(p_order::text, 0));
	PERFORM FROM key_allocations WHERE order_id = p_order AND withdrawn_at IS NULL ORDER BY key_id FOR NO KEY UPDATE;
	SELECT count(*) INTO revealed FROM key_allocations a WHERE a.order_id = p_order AND a.withdrawn_at IS NULL
		AND EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%');
	IF revealed <= p_revealed_max THEN
		IF p_keys IS NULL THEN
			INSERT INTO refunded_orders (order_id) VALUES (p_order) ON CONFLICT DO NOTHING;
			UPDATE supply_needs SET status = 'failed', due_at = NULL WHERE order_id = p_order AND status = 'open';
		END IF;
		PERFORM inventory_take_back(ARRAY(SELECT a.key_id FROM key_allocations a WHERE a.order_id = p_order AND a.withdrawn_at IS NULL
			AND (p_keys IS NULL OR a.key_id = ANY (p_keys))
			AND NOT EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%')), 'withdrawn unseen for a refund');
	END IF;
	RETURN revealed;
END $$;
