-- Records what a verify proved, in one statement: the attempt from verifying to captured, its money in the ledger, the intent paid by it
-- or, when the intent is paid or dead, the money in the customer's wallet. A bank's money pays an intent together with what is held of the
-- wallet; where that hold is gone, the money is surplus. A top-up is the wallet's at once. Answers null when somebody else recorded it.
CREATE OR REPLACE FUNCTION payments_capture(p_attempt uuid, p_reference text, p_card_masked text, p_card_hash text, p_may_revive boolean)
RETURNS TABLE (is_surplus boolean, captured_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	a payment_attempts%ROWTYPE;
	i payment_intents%ROWTYPE;
	surplus boolean;
BEGIN
	UPDATE payment_attempts SET status = 'captured', psp_reference = p_reference, card_masked = p_card_masked, card_hash = p_card_hash, due_at = NULL, updated_at = now(), failure_reason = NULL, move_cause = 'verified'
		WHERE id = p_attempt AND status IN ('verifying', 'unknown') RETURNING * INTO a;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	PERFORM ledger_post('capture', a.id, a.order_id, ARRAY['clearing:' || a.psp, 'deposits:orders'], ARRAY[a.amount_rial, -a.amount_rial]);
	UPDATE payment_intents i SET status = 'captured', paid_attempt_id = a.id
		WHERE i.id = a.intent_id AND i.paid_attempt_id IS NULL AND (i.status = 'open' OR (i.status = 'expired' AND p_may_revive))
			AND i.amount_rial = a.amount_rial + coalesce((SELECT h.amount_rial FROM wallet_holds h WHERE h.intent_id = i.id AND h.status = 'held'), 0)
		RETURNING * INTO i;
	surplus := NOT FOUND;
	IF surplus THEN
		UPDATE payment_attempts SET is_surplus = true WHERE id = a.id;
		PERFORM ledger_post('surplus', a.id, a.order_id, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.surplus', jsonb_build_object(
			'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', a.amount_rial));
	ELSIF i.kind = 'top-up' THEN
		PERFORM ledger_post('top-up', a.id, NULL, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
	ELSE
		PERFORM payments_post_hold(a.intent_id);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
			'intentId', a.intent_id, 'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', i.amount_rial,
			'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	END IF;
	RETURN QUERY SELECT surplus, now();
END $$;
