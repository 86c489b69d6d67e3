-- Each account at the end of a closed day, and with what was posted after it. Without a close it is everything there is. The days tell how
-- much there is to read, so that a plan made for other days is no plan for these.
CREATE OR REPLACE FUNCTION ledger_trial_balance(p_closed date, p_with_later boolean) RETURNS TABLE (account text, balance_rial bigint) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	since timestamptz := '-infinity';
	first uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
	IF p_closed IS NOT NULL THEN
		SELECT until_at INTO since FROM ledger_closes WHERE day = p_closed;
		-- No later transaction has a lesser id. Ids grow with time, so that the index leads to little more than the entries wanted.
		SELECT (array_agg(id ORDER BY id))[1] INTO first FROM ledger_transactions WHERE at >= since;
	END IF;
	RETURN QUERY SELECT account, sum(rial)::bigint FROM (
		SELECT b.account, b.balance_rial AS rial FROM ledger_close_balances b WHERE b.day = p_closed
		UNION ALL
		SELECT CASE WHEN e.account LIKE 'wallet:%' THEN 'wallets' ELSE e.account END, e.amount_rial
		FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.at >= since AND e.transaction_id >= first AND p_with_later
	) AS known GROUP BY account ORDER BY account;
END $$;
