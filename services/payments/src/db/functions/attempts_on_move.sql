-- Checks each move against the table attempt_moves and writes its history: who and why is what the statement wrote into the row. Trigger on
-- payment_attempts, after an insert and before an update.
CREATE OR REPLACE FUNCTION attempts_on_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO attempt_history (attempt_id, to_status, cause, actor) VALUES (NEW.id, NEW.status, NEW.move_cause, NEW.moved_by);
		RETURN NEW;
	END IF;
	IF NEW.amount_rial <> OLD.amount_rial OR NEW.order_id <> OLD.order_id OR NEW.intent_id <> OLD.intent_id OR NEW.psp <> OLD.psp
		OR (OLD.psp_token IS NOT NULL AND NEW.psp_token IS DISTINCT FROM OLD.psp_token) THEN
		RAISE EXCEPTION 'an attempt stays what it is' USING ERRCODE = 'KE022';
	END IF;
	IF NEW.status <> OLD.status THEN
		IF NOT EXISTS (SELECT FROM attempt_moves WHERE from_status = OLD.status AND to_status = NEW.status) THEN
			RAISE EXCEPTION 'an attempt cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE021';
		END IF;
		INSERT INTO attempt_history (attempt_id, from_status, to_status, cause, actor)
			VALUES (NEW.id, OLD.status, NEW.status, NEW.move_cause, NEW.moved_by);
	END IF;
	RETURN NEW;
END $$;
