-- Checks each move of a refund or a withdrawal, keeps what it is, and writes its history. Trigger on refunds and withdrawals, after an
-- insert and before an update.
CREATE OR REPLACE FUNCTION payouts_on_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO payout_history (payout_id, to_status, cause, actor) VALUES (NEW.id, NEW.status, NEW.move_cause, NEW.moved_by);
		RETURN NEW;
	END IF;
	IF NEW.amount_rial <> OLD.amount_rial OR NEW.customer_id <> OLD.customer_id THEN
		RAISE EXCEPTION 'a payout stays what it is' USING ERRCODE = 'KE022';
	END IF;
	IF NEW.status <> OLD.status THEN
		IF NOT EXISTS (SELECT FROM payout_moves WHERE from_status = OLD.status AND to_status = NEW.status) THEN
			RAISE EXCEPTION 'a payout cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE021';
		END IF;
		INSERT INTO payout_history (payout_id, from_status, to_status, cause, actor) VALUES (NEW.id, OLD.status, NEW.status, NEW.move_cause, NEW.moved_by);
	END IF;
	RETURN NEW;
END $$;
