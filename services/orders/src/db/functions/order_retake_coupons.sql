-- Before late money makes an expired order paid, its uses are taken again; so for an order in review: it may have been dead when its
-- payment came there, and has given its uses back. False when another order has the last one meanwhile: then the order stays dead and its
-- money is the customer's, as when its stock was sold; so no limit is ever passed and no money is lost. The order's row stays locked either
-- way, so that nothing moves between this answer and the payment.
CREATE OR REPLACE FUNCTION order_retake_coupons(p_order uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	u coupon_uses%ROWTYPE;
BEGIN
	PERFORM FROM orders WHERE id = p_order AND status IN ('expired', 'review') FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN true;
	END IF;
	BEGIN
		FOR u IN SELECT * FROM coupon_uses WHERE order_id = p_order AND released_at IS NOT NULL ORDER BY coupon_id LOOP
			PERFORM coupon_count_use(u.coupon_id, p_order, u.customer_id, true);
		END LOOP;
		UPDATE coupon_uses SET released_at = NULL WHERE order_id = p_order;
		RETURN true;
	EXCEPTION WHEN SQLSTATE 'KE004' THEN
		RETURN false;
	END;
END $$;
