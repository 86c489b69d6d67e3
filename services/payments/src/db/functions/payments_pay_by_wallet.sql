-- The wallet alone pays an order whose whole amount is held there: the attempt, the ledger and the news in one statement.
CREATE OR REPLACE FUNCTION payments_pay_by_wallet(p_attempt uuid, p_order uuid, p_actor text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT EXISTS (SELECT FROM wallet_holds h WHERE h.intent_id = i.id AND h.status = 'held' AND h.amount_rial = i.amount_rial) THEN
		RETURN false;
	END IF;
	INSERT INTO payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, psp_reference, moved_by, move_cause)
		VALUES (p_attempt, i.id, i.order_id, i.customer_id, 'wallet', 'captured', i.amount_rial, i.id::text, p_actor, 'paid by wallet') ON CONFLICT (id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE payment_intents SET status = 'captured', paid_attempt_id = p_attempt WHERE id = i.id;
	PERFORM payments_post_hold(i.id);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
		'intentId', i.id, 'attemptId', p_attempt, 'orderId', i.order_id, 'customerId', i.customer_id, 'amountRial', i.amount_rial,
		'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	RETURN true;
END $$;
