-- Whoever names a transfer takes its number for ever, however it is named in the end. Five to a payment, so that nobody takes those of
-- others by the hundred. Trigger on transfers, before an insert and an update of the number.
CREATE OR REPLACE FUNCTION transfers_take_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO transfer_numbers (tracking_number, attempt_id) VALUES (ltrim(NEW.tracking_number, '0'), NEW.attempt_id) ON CONFLICT DO NOTHING;
	IF NOT EXISTS (SELECT FROM transfer_numbers WHERE tracking_number = ltrim(NEW.tracking_number, '0') AND attempt_id = NEW.attempt_id) THEN
		RAISE EXCEPTION 'this transfer was named for another payment' USING ERRCODE = 'unique_violation', CONSTRAINT = 'transfer_numbers_pkey';
	END IF;
	IF (SELECT count(*) FROM transfer_numbers WHERE attempt_id = NEW.attempt_id) > 5 THEN
		RAISE EXCEPTION 'too many numbers for one payment' USING ERRCODE = 'KE048';
	END IF;
	RETURN NEW;
END $$;
