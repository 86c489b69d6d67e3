-- The order is dead: no new attempts, and what was held of the wallet is free again, once. A captured intent stays captured.
CREATE OR REPLACE FUNCTION payments_close_intent(p_order uuid, p_status text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	h wallet_holds%ROWTYPE;
BEGIN
	IF p_status NOT IN ('expired', 'cancelled') THEN
		RAISE EXCEPTION 'an intent is closed as expired or cancelled' USING ERRCODE = 'KE024';
	END IF;
	UPDATE payment_intents SET status = p_status WHERE order_id = p_order AND status = 'open';
	UPDATE wallet_holds SET status = 'voided' WHERE order_id = p_order AND status = 'held'
		AND EXISTS (SELECT FROM payment_intents i WHERE i.order_id = p_order AND i.status IN ('expired', 'cancelled')) RETURNING * INTO h;
	IF FOUND THEN
		UPDATE wallets SET held_rial = held_rial - h.amount_rial WHERE customer_id = h.customer_id;
	END IF;
END $$;
