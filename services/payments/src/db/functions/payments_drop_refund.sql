-- Certainly no money went back: its amount is free again, once. Whoever complained was told of the money before, and hears of this.
CREATE OR REPLACE FUNCTION payments_drop_refund(p_id uuid, p_status text, p_actor text, p_cause text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r refunds%ROWTYPE;
BEGIN
	UPDATE refunds SET status = p_status, due_at = NULL, updated_at = now(), failure_reason = p_cause, moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND ((p_status = 'rejected' AND status = 'requested') OR (p_status = 'failed' AND status IN ('approved', 'submitting', 'unknown', 'review'))) RETURNING * INTO r;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE payment_intents SET refunded_rial = refunded_rial - r.amount_rial WHERE id = r.intent_id;
	UPDATE payment_attempts SET refunded_rial = refunded_rial - r.amount_rial WHERE id = r.attempt_id;
	IF r.complaint_id IS NOT NULL THEN
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refund-refused', jsonb_build_object('orderId', r.order_id,
			'orderNumber', (SELECT order_number FROM payment_intents WHERE id = r.intent_id), 'customerId', r.customer_id, 'refundRial', r.amount_rial, 'complaintId', r.complaint_id));
	END IF;
	RETURN true;
END $$;
