-- A payment in review is not ended by its own customer, whatever role they have (A64). Trigger on payment_attempts, before such an update.
CREATE OR REPLACE FUNCTION attempts_not_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'nobody ends the review of their own payment' USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_attempts_not_own';
END $$;
