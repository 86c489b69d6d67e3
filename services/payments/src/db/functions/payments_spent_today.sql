-- What a customer owes or has paid for orders today, by the calendar of Tehran, without this order.
CREATE OR REPLACE FUNCTION payments_spent_today(p_customer uuid, p_order uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(amount_rial - refunded_rial), 0)::bigint FROM payment_intents WHERE customer_id = p_customer AND kind = 'order' AND status IN ('open', 'captured')
		AND order_id IS DISTINCT FROM p_order AND created_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran'
$$;
