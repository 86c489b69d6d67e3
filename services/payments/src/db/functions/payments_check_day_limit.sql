-- Refuses an order above what its customer's level allows in a day. Two orders at once count each other; an intent that is there already
-- stays.
CREATE OR REPLACE FUNCTION payments_check_day_limit(p_customer uuid, p_order uuid, p_amount bigint, p_limits bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	allowed bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('day limit ' || p_customer, 0));
	IF EXISTS (SELECT FROM payment_intents WHERE order_id = p_order) THEN
		RETURN;
	END IF;
	allowed := p_limits[1 + coalesce((SELECT level FROM customer_levels WHERE customer_id = p_customer), 0)];
	IF payments_spent_today(p_customer, p_order) + p_amount > allowed THEN
		RAISE EXCEPTION 'above what may be bought in a day' USING ERRCODE = 'KE036', DETAIL = allowed;
	END IF;
END $$;
