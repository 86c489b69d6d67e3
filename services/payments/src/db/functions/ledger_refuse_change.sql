-- What is written here is never changed nor deleted, by no role. Trigger before each statement on ledger_entries, ledger_transactions,
-- ledger_close_balances, attempt_history, payout_history, settlement_rows, transfer_numbers and staff_audit, and on ledger_closes before a
-- delete.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the ledger is never changed' USING ERRCODE = 'KE026';
END $$;
