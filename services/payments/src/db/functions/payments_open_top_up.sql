-- A top-up of the wallet, within what one customer may add in a day of Tehran. Two at once count each other.
CREATE OR REPLACE FUNCTION payments_open_top_up(p_id uuid, p_customer uuid, p_amount bigint, p_day_max bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	today bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('top-up ' || p_customer, 0));
	SELECT coalesce(sum(amount_rial), 0) INTO today FROM payment_intents WHERE customer_id = p_customer AND kind = 'top-up'
		AND (status = 'captured' OR created_at > now() - interval '30 minutes')
		AND created_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran';
	IF p_amount < 1 OR today + p_amount > p_day_max THEN
		RAISE EXCEPTION 'above what may be added in a day' USING ERRCODE = 'KE032';
	END IF;
	INSERT INTO payment_intents (id, kind, order_id, order_number, customer_id, amount_rial, status)
		VALUES (uuidv7(), 'top-up', p_id, 'wallet', p_customer, p_amount, 'open');
END $$;
