-- The money went back: the ledger, the row and the news in one statement, once. A refund that came from a complaint says so.
CREATE OR REPLACE FUNCTION payments_finish_refund(p_id uuid, p_reference text, p_actor text, p_cause text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r refunds%ROWTYPE;
	target text;
BEGIN
	UPDATE refunds SET status = 'succeeded', reference = p_reference, due_at = NULL, updated_at = now(), failure_reason = NULL, moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND (status IN ('submitting', 'unknown', 'review') OR (status = 'approved' AND method = 'wallet')) RETURNING * INTO r;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	target := CASE r.method WHEN 'wallet' THEN 'wallet:' || r.customer_id WHEN 'manual' THEN 'bank:payouts'
		ELSE 'clearing:' || (SELECT psp FROM payment_attempts WHERE id = r.attempt_id) END;
	PERFORM ledger_post('staff-refund', r.id, r.order_id, ARRAY['revenue:refunds', target], ARRAY[r.amount_rial, -r.amount_rial]);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_strip_nulls(jsonb_build_object('orderId', r.order_id,
		'orderNumber', (SELECT order_number FROM payment_intents WHERE id = r.intent_id), 'customerId', r.customer_id,
		'refundRial', r.amount_rial, 'refundId', r.id, 'method', r.method, 'isWhole', r.is_whole, 'complaintId', r.complaint_id)));
	RETURN true;
END $$;
