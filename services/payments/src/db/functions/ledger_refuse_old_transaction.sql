-- An entry that is added to an old transaction would change its day as well. Trigger on ledger_entries, before an insert.
CREATE OR REPLACE FUNCTION ledger_refuse_old_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT at FROM ledger_transactions WHERE id = NEW.transaction_id) < (SELECT until_at FROM ledger_closes ORDER BY day DESC LIMIT 1) THEN
		RAISE EXCEPTION 'the day of transaction % is closed', NEW.transaction_id USING ERRCODE = 'KE033';
	END IF;
	RETURN NEW;
END $$;
