-- One bad unit after a complaint: to the wallet at once, or, above what one person may give back of an order in all, when another person
-- agrees.
CREATE OR REPLACE FUNCTION payments_refund_unit(p_order uuid, p_refund bigint, p_complaint uuid, p_decided_by text, p_alone_max bigint) RETURNS boolean LANGUAGE plpgsql AS $$
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

-- One delivered unit that is bad: its money is the customer's again, once for each complaint, and never more than was captured.
CREATE OR REPLACE FUNCTION payments_refund_unit(p_order uuid, p_refund bigint, p_complaint uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF i.id IS NOT NULL AND EXISTS (SELECT FROM ledger_transactions WHERE kind = 'complaint-refund' AND business_ref = p_complaint) THEN
		RETURN false;
	END IF;
	i := payments_reserve_refund(p_order, p_refund);
	PERFORM ledger_post('complaint-refund', p_complaint, p_order, ARRAY['revenue:refunds', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id,
		'refundRial', p_refund, 'complaintId', p_complaint));
	RETURN true;
END $$;
