-- What an order owes, once, if its customer's level allows it in a day.
CREATE OR REPLACE FUNCTION payments_open_intent(p_id uuid, p_order uuid, p_number text, p_customer uuid, p_amount bigint, p_phone text, p_wallet_max bigint, p_limits bigint[])
RETURNS TABLE (id uuid, status text, amount_rial bigint, customer_id uuid, wallet_rial bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM payments_check_day_limit(p_customer, p_order, p_amount, p_limits);
	RETURN QUERY SELECT * FROM payments_open_intent(p_id, p_order, p_number, p_customer, p_amount, p_phone, p_wallet_max);
END $$;

-- The same without a look at the day: the wallet's part of it is held in the same transaction, as much as is free there and not more than
-- asked. A bank takes no less than 10,000 Rial, so the wallet leaves that much when it cannot pay all.
CREATE OR REPLACE FUNCTION payments_open_intent(p_id uuid, p_order uuid, p_number text, p_customer uuid, p_amount bigint, p_phone text, p_wallet_max bigint)
RETURNS TABLE (id uuid, status text, amount_rial bigint, customer_id uuid, wallet_rial bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	usable bigint := 0;
BEGIN
	INSERT INTO payment_intents (id, order_id, order_number, customer_id, amount_rial, phone, status)
		VALUES (p_id, p_order, p_number, p_customer, p_amount, p_phone, 'open') ON CONFLICT (order_id) DO NOTHING;
	IF FOUND AND p_wallet_max > 0 THEN
		SELECT greatest(least(w.balance_rial - w.held_rial, p_wallet_max, p_amount), 0) INTO usable FROM wallets w WHERE w.customer_id = p_customer FOR NO KEY UPDATE;
		IF p_amount - usable BETWEEN 1 AND 9999 THEN
			usable := greatest(p_amount - 10000, 0);
		END IF;
		IF usable > 0 THEN
			UPDATE wallets w SET held_rial = w.held_rial + usable WHERE w.customer_id = p_customer AND w.balance_rial - w.held_rial >= usable;
			IF NOT FOUND THEN
				RAISE EXCEPTION 'a wallet never holds more than it has' USING ERRCODE = 'KE028';
			END IF;
			INSERT INTO wallet_holds (intent_id, order_id, customer_id, amount_rial) VALUES (p_id, p_order, p_customer, usable);
		END IF;
	END IF;
	RETURN QUERY SELECT i.id, i.status, i.amount_rial, i.customer_id, coalesce(h.amount_rial, 0) FROM payment_intents i
		LEFT JOIN wallet_holds h ON h.intent_id = i.id AND h.status <> 'voided' WHERE i.order_id = p_order;
END $$;
