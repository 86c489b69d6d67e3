-- Gives back the part of a captured order that cannot be delivered, to the wallet, once; the rest of it is sold, with this VAT in it and
-- these shares of sellers.
CREATE OR REPLACE FUNCTION payments_refund_order(p_order uuid, p_refund bigint, p_vat bigint, p_sellers jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF i.id IS NOT NULL AND EXISTS (SELECT FROM ledger_transactions WHERE kind = 'refund' AND business_ref = p_order) THEN
		RETURN false;
	END IF;
	i := payments_reserve_refund(p_order, p_refund);
	PERFORM ledger_post('refund', p_order, p_order, ARRAY['deposits:orders', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]);
	IF p_refund < i.amount_rial THEN
		PERFORM ledger_post_sale(p_order, i.amount_rial - p_refund, p_vat, p_sellers);
	END IF;
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id, 'refundRial', p_refund));
	RETURN true;
END $$;

-- For processes of the version before, which know neither.
CREATE OR REPLACE FUNCTION payments_refund_order(p_order uuid, p_refund bigint) RETURNS boolean LANGUAGE sql AS $$
	SELECT payments_refund_order(p_order, p_refund, 0, '[]')
$$;
