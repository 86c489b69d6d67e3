-- The one way into the ledger. Answers false when this business event was posted before. Debit is positive; a wallet's account is
-- 'wallet:<customer>', a liability, so its balance is the negative of its entries; the table's own check keeps it from going below zero.
CREATE OR REPLACE FUNCTION ledger_post(p_kind text, p_ref uuid, p_order uuid, p_accounts text[], p_amounts bigint[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	tx uuid := uuidv7();
BEGIN
	IF (SELECT sum(a) FROM unnest(p_amounts) a) <> 0 OR cardinality(p_accounts) < 2 OR cardinality(p_accounts) <> cardinality(p_amounts) THEN
		RAISE EXCEPTION 'a posting must sum to zero' USING ERRCODE = 'KE025';
	END IF;
	INSERT INTO ledger_transactions (id, kind, business_ref, order_id) VALUES (tx, p_kind, p_ref, p_order) ON CONFLICT (kind, business_ref) DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	INSERT INTO ledger_entries (id, transaction_id, account, amount_rial) SELECT uuidv7(), tx, account, amount FROM unnest(p_accounts, p_amounts) AS e(account, amount);
	IF EXISTS (SELECT FROM unnest(p_accounts) AS account WHERE account LIKE 'wallet:%') THEN
		-- Two statements: an upsert would check a spending, which is negative, as if it were the whole balance.
		INSERT INTO wallets (customer_id, balance_rial)
			SELECT DISTINCT substr(account, 8)::uuid, 0 FROM unnest(p_accounts) AS account WHERE account LIKE 'wallet:%' ORDER BY 1 ON CONFLICT DO NOTHING;
		UPDATE wallets SET balance_rial = balance_rial + moved.amount
			FROM (SELECT substr(account, 8)::uuid AS customer_id, -sum(amount) AS amount FROM unnest(p_accounts, p_amounts) AS e(account, amount)
				WHERE account LIKE 'wallet:%' GROUP BY 1) AS moved
			WHERE wallets.customer_id = moved.customer_id;
	END IF;
	RETURN true;
END $$;
