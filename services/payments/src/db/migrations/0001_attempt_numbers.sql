ALTER TABLE "payment_attempts" ADD COLUMN "attempt_no" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "payment_attempts_attempt_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD COLUMN "proof" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
-- One delivered unit that is bad: its money is the customer's again, once for each complaint, and never more than was captured.
CREATE FUNCTION payments_refund_unit(p_order uuid, p_refund bigint, p_complaint uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
	before bigint;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	SELECT coalesce(-sum(e.amount_rial), 0) INTO before FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
		WHERE t.order_id = p_order AND t.kind IN ('refund', 'complaint-refund') AND t.business_ref <> p_complaint AND e.account = 'wallet:' || i.customer_id;
	IF i.id IS NULL OR p_refund < 1 OR before + p_refund > i.amount_rial THEN
		RAISE EXCEPTION 'an order gives back at most what was captured for it' USING ERRCODE = 'KE027';
	END IF;
	IF NOT ledger_post('complaint-refund', p_complaint, p_order, ARRAY['revenue:refunds', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]) THEN
		RETURN false;
	END IF;
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id,
		'refundRial', p_refund, 'complaintId', p_complaint));
	RETURN true;
END $$;
