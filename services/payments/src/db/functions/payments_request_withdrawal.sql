-- Wallet money for a bank account is held with its row, or nothing is written (I10).
CREATE OR REPLACE FUNCTION payments_request_withdrawal(p_id uuid, p_customer uuid, p_account uuid, p_amount bigint) RETURNS withdrawals LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	w withdrawals%ROWTYPE;
BEGIN
	IF NOT EXISTS (SELECT FROM bank_accounts WHERE id = p_account AND customer_id = p_customer AND status = 'verified') THEN
		RAISE EXCEPTION 'money goes to a verified account of its owner' USING ERRCODE = 'KE030';
	END IF;
	UPDATE wallets SET held_rial = held_rial + p_amount WHERE customer_id = p_customer AND p_amount > 0 AND balance_rial - held_rial >= p_amount;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'a wallet never holds more than it has' USING ERRCODE = 'KE028';
	END IF;
	INSERT INTO withdrawals (id, customer_id, bank_account_id, amount_rial, moved_by, move_cause)
		VALUES (p_id, p_customer, p_account, p_amount, 'user:' || p_customer, 'requested') RETURNING * INTO w;
	RETURN w;
END $$;
