-- A dead order gives its uses back in the statement that kills it, so exactly once. One that was delivered in part is never 'refunded' but
-- 'part_refunded', and keeps them. Trigger on orders, after it becomes cancelled, expired or refunded.
CREATE OR REPLACE FUNCTION orders_release_coupons() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	u coupon_uses%ROWTYPE;
BEGIN
	FOR u IN SELECT * FROM coupon_uses WHERE order_id = NEW.id AND released_at IS NULL ORDER BY coupon_id LOOP
		UPDATE coupons SET used_count = used_count - 1 WHERE id = u.coupon_id;
		UPDATE coupon_customers SET used_count = used_count - 1 WHERE coupon_id = u.coupon_id AND customer_id = u.customer_id;
	END LOOP;
	UPDATE coupon_uses SET released_at = now() WHERE order_id = NEW.id AND released_at IS NULL;
	RETURN NULL;
END $$;
