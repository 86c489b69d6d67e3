-- What was stored of a closed day stays. Trigger on ledger_closes, before an update.
CREATE OR REPLACE FUNCTION ledger_close_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.closed_at IS NOT NULL OR NEW.day <> OLD.day OR NEW.from_at <> OLD.from_at OR NEW.until_at <> OLD.until_at THEN
		RAISE EXCEPTION 'a closed day stays closed' USING ERRCODE = 'KE026';
	END IF;
	RETURN NEW;
END $$;
