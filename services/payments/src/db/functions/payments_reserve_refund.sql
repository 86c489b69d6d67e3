-- Keeps an amount of a captured order for one way back. No row: nothing is left of it, and nothing goes (I11).
CREATE OR REPLACE FUNCTION payments_reserve_refund(p_order uuid, p_amount bigint) RETURNS payment_intents LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	UPDATE payment_intents SET refunded_rial = refunded_rial + p_amount
		WHERE order_id = p_order AND status = 'captured' AND p_amount > 0 AND refunded_rial + p_amount <= amount_rial RETURNING * INTO i;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'an order gives back at most what was captured for it' USING ERRCODE = 'KE027';
	END IF;
	RETURN i;
END $$;
