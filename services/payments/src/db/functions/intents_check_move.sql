-- An intent stays what it is, and a captured one stays captured, by its one attempt. Trigger on payment_intents, before an update.
CREATE OR REPLACE FUNCTION intents_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.amount_rial <> OLD.amount_rial OR NEW.order_id <> OLD.order_id OR NEW.customer_id <> OLD.customer_id THEN
		RAISE EXCEPTION 'an intent stays what it is' USING ERRCODE = 'KE024';
	END IF;
	IF OLD.status = 'captured' AND (NEW.status <> 'captured' OR NEW.paid_attempt_id IS DISTINCT FROM OLD.paid_attempt_id) THEN
		RAISE EXCEPTION 'a captured intent stays captured, by its one attempt' USING ERRCODE = 'KE023';
	END IF;
	RETURN NEW;
END $$;
