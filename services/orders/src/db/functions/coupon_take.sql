-- One use for an order that is being placed, in the order's own transaction.
CREATE OR REPLACE FUNCTION coupon_take(p_coupon uuid, p_order uuid, p_discount bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	customer uuid;
BEGIN
	SELECT customer_id INTO STRICT customer FROM orders WHERE id = p_order AND status = 'placing';
	PERFORM coupon_count_use(p_coupon, p_order, customer, false);
	INSERT INTO coupon_uses (coupon_id, order_id, customer_id, discount_rial) VALUES (p_coupon, p_order, customer, p_discount);
END $$;
