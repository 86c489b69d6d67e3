-- The sum of a ledger transaction is checked when its database transaction commits. Constraint trigger on ledger_entries, deferred.
CREATE OR REPLACE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT coalesce(sum(amount_rial), 0) FROM ledger_entries WHERE transaction_id = NEW.transaction_id) <> 0 THEN
		RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'KE025';
	END IF;
	RETURN NULL;
END $$;
