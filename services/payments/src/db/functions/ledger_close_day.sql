-- Stores the sums and balances of a sealed day, once. Postings go on meanwhile: they are all of later days.
CREATE OR REPLACE FUNCTION ledger_close_day(p_day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	c ledger_closes%ROWTYPE;
	first uuid;
	last uuid;
BEGIN
	SELECT * INTO c FROM ledger_closes WHERE day = p_day AND closed_at IS NULL FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	IF EXISTS (SELECT FROM ledger_closes WHERE day < p_day AND closed_at IS NULL) THEN
		RAISE EXCEPTION 'days are closed in their order' USING ERRCODE = 'KE034';
	END IF;
	SELECT (array_agg(id ORDER BY id))[1], (array_agg(id ORDER BY id DESC))[1] INTO first, last FROM ledger_transactions WHERE at >= c.from_at AND at < c.until_at;
	INSERT INTO ledger_close_balances (day, account, debit_rial, credit_rial, balance_rial)
		SELECT p_day, account, sum(debit)::bigint, sum(credit)::bigint, sum(balance)::bigint FROM (
			SELECT account, 0 AS debit, 0 AS credit, balance_rial AS balance FROM ledger_close_balances WHERE day = p_day - 1
			UNION ALL
			SELECT CASE WHEN e.account LIKE 'wallet:%' THEN 'wallets' ELSE e.account END, greatest(e.amount_rial, 0), greatest(-e.amount_rial, 0), e.amount_rial
			FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.at >= c.from_at AND t.at < c.until_at AND e.transaction_id BETWEEN first AND last
		) AS moved GROUP BY account;
	UPDATE ledger_closes SET closed_at = now(), (debit_rial, credit_rial) = (SELECT coalesce(sum(b.debit_rial), 0)::bigint, coalesce(sum(b.credit_rial), 0)::bigint FROM ledger_close_balances b WHERE b.day = p_day),
		transaction_count = (SELECT count(*) FROM ledger_transactions t WHERE t.at >= c.from_at AND t.at < c.until_at) WHERE day = p_day;
	RETURN true;
END $$;
