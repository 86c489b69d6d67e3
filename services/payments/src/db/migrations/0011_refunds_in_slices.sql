ALTER TABLE "refunds" ADD COLUMN "key_ids" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "refunds" ADD COLUMN "complaint_id" uuid;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_complaint_id_unique" UNIQUE("complaint_id");
--> statement-breakpoint
-- A person's refund of a delivered order: its amount is reserved with the row, for a card also in the attempt, or nothing is written.
-- Another person is needed for more than one may give back of an order in all its slices, counting what a person only says was not sent;
-- and for a transfer to an account that is not this customer's, checked, and by somebody else.
CREATE FUNCTION payments_request_refund(p_id uuid, p_order uuid, p_amount bigint, p_method text, p_sheba text, p_is_doubtful boolean, p_revealed integer, p_keys uuid[], p_reason text, p_actor text, p_alone_max bigint)
RETURNS refunds LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
	r refunds%ROWTYPE;
	attempt uuid;
	needs_two boolean;
BEGIN
	i := payments_reserve_refund(p_order, p_amount);
	-- Before that its money is not earned, and what cannot be delivered goes back through the order.
	IF NOT EXISTS (SELECT FROM ledger_transactions WHERE kind IN ('sale', 'refund') AND business_ref = p_order) THEN
		RAISE EXCEPTION 'this order is not delivered yet' USING ERRCODE = 'KE031';
	END IF;
	IF p_method = 'psp' THEN
		UPDATE payment_attempts SET refunded_rial = refunded_rial + p_amount
			WHERE id = i.paid_attempt_id AND psp <> 'wallet' AND refunded_rial + p_amount <= amount_rial RETURNING id INTO attempt;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'a card gets back at most what it paid' USING ERRCODE = 'KE029';
		END IF;
	END IF;
	needs_two := p_is_doubtful
		OR i.refunded_rial + (SELECT coalesce(sum(f.amount_rial), 0) FROM refunds f WHERE f.intent_id = i.id AND f.status = 'failed' AND f.failure_reason LIKE 'not sent, told by staff%') > p_alone_max
		OR (p_method = 'manual' AND NOT EXISTS (SELECT FROM bank_accounts b WHERE b.customer_id = i.customer_id AND b.sheba = p_sheba AND b.status = 'verified' AND b.decided_by <> p_actor));
	INSERT INTO refunds (id, intent_id, attempt_id, order_id, customer_id, amount_rial, method, status, is_whole, key_ids, needs_approval, revealed_count, sheba, reason, requested_by, moved_by, move_cause)
		VALUES (p_id, i.id, attempt, p_order, i.customer_id, p_amount, p_method, 'requested', i.refunded_rial = i.amount_rial, p_keys, needs_two, p_revealed, p_sheba, p_reason, p_actor, p_actor, p_reason)
		RETURNING * INTO r;
	RETURN r;
END $$;
--> statement-breakpoint
-- One bad unit after a complaint: to the wallet at once, or, above what one person may give back of an order in all, when another person agrees.
CREATE FUNCTION payments_refund_unit(p_order uuid, p_refund bigint, p_complaint uuid, p_decided_by text, p_alone_max bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF i.id IS NOT NULL AND (EXISTS (SELECT FROM ledger_transactions WHERE kind = 'complaint-refund' AND business_ref = p_complaint) OR EXISTS (SELECT FROM refunds WHERE complaint_id = p_complaint)) THEN
		RETURN false;
	END IF;
	IF i.refunded_rial + p_refund <= p_alone_max THEN
		RETURN payments_refund_unit(p_order, p_refund, p_complaint);
	END IF;
	i := payments_reserve_refund(p_order, p_refund);
	-- Its product key was seen, and inventory has closed it with the complaint: whatever else was seen does not stop this.
	INSERT INTO refunds (id, intent_id, order_id, customer_id, amount_rial, method, status, is_whole, complaint_id, needs_approval, revealed_count, reason, requested_by, moved_by, move_cause)
		VALUES (uuidv7(), i.id, p_order, i.customer_id, p_refund, 'wallet', 'requested', i.refunded_rial = i.amount_rial, p_complaint, true, 2147483647, 'a product key that was complained of', p_decided_by, p_decided_by, 'complaint');
	RETURN true;
END $$;
--> statement-breakpoint
-- As before; a refund that came from a complaint says so.
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
