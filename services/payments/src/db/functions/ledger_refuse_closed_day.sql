-- Whoever posts holds this lock shared until the end of its transaction, and a day is sealed under the whole of it: when the seal is
-- written, no posting of that day is still on its way, and each later one sees the seal. Trigger on ledger_transactions, before an insert.
CREATE OR REPLACE FUNCTION ledger_refuse_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger close', 0));
	IF NEW.at < (SELECT until_at FROM ledger_closes ORDER BY day DESC LIMIT 1) THEN
		RAISE EXCEPTION 'the day of % is closed', NEW.at USING ERRCODE = 'KE033';
	END IF;
	RETURN NEW;
END $$;
