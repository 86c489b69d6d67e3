-- I12: the limit is in the statement that counts, first of all, then of the customer. Whoever calls this rolls back what it raises. An
-- order that is promised its coupon (it was placed with it) minds the limits, but not that the coupon has ended since.
CREATE OR REPLACE FUNCTION coupon_count_use(p_coupon uuid, p_order uuid, p_customer uuid, p_is_promised boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	c coupons%ROWTYPE;
BEGIN
	UPDATE coupons SET used_count = used_count + 1
		WHERE id = p_coupon AND (uses_max IS NULL OR used_count < uses_max)
			AND (p_is_promised OR is_active AND now() >= starts_at AND (ends_at IS NULL OR now() < ends_at))
		RETURNING * INTO c;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this coupon is over or used up' USING ERRCODE = 'KE004';
	END IF;
	INSERT INTO coupon_customers AS m (coupon_id, customer_id, used_count) VALUES (p_coupon, p_customer, 1)
		ON CONFLICT (coupon_id, customer_id) DO UPDATE SET used_count = m.used_count + 1
		WHERE c.customer_uses_max IS NULL OR m.used_count < c.customer_uses_max;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this customer has used the coupon up' USING ERRCODE = 'KE004';
	END IF;
	IF c.is_first_order_only AND EXISTS (
		SELECT FROM orders WHERE customer_id = p_customer AND id <> p_order AND status NOT IN ('cancelled', 'expired', 'refunded')
	) THEN
		RAISE EXCEPTION 'this is not the first order' USING ERRCODE = 'KE004';
	END IF;
END $$;
REVOKE EXECUTE ON FUNCTION coupon_count_use FROM orders_app;
