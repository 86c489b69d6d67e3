-- Takes the held part: from the wallet to the order's deposit, once, and only for an intent that is captured.
CREATE OR REPLACE FUNCTION payments_post_hold(p_intent uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	h wallet_holds%ROWTYPE;
BEGIN
	UPDATE wallet_holds SET status = 'posted' WHERE intent_id = p_intent AND status = 'held'
		AND EXISTS (SELECT FROM payment_intents i WHERE i.id = p_intent AND i.status = 'captured') RETURNING * INTO h;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE wallets SET held_rial = held_rial - h.amount_rial WHERE customer_id = h.customer_id;
	PERFORM ledger_post('wallet-payment', h.intent_id, h.order_id, ARRAY['wallet:' || h.customer_id, 'deposits:orders'], ARRAY[h.amount_rial, -h.amount_rial]);
END $$;
