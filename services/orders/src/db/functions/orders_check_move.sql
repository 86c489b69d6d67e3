-- Only moves of order_moves; one attempt pays, and total and owner stay. I6: only what is paid is delivered or given back, and what is paid
-- never awaits a payment again. An order in review is either. Trigger on orders, before an update.
CREATE OR REPLACE FUNCTION orders_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND NOT EXISTS (SELECT FROM order_moves WHERE from_status = OLD.status AND to_status = NEW.status) THEN
		RAISE EXCEPTION 'an order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE001';
	END IF;
	IF OLD.paid_attempt_id IS NOT NULL AND NEW.paid_attempt_id IS DISTINCT FROM OLD.paid_attempt_id THEN
		RAISE EXCEPTION 'an order is paid by one attempt' USING ERRCODE = 'KE002';
	END IF;
	IF NEW.total_rial <> OLD.total_rial OR NEW.customer_id <> OLD.customer_id THEN
		RAISE EXCEPTION 'the total and the owner of an order do not change' USING ERRCODE = 'KE003';
	END IF;
	IF NEW.status <> OLD.status AND NEW.status <> 'review' AND (NEW.paid_attempt_id IS NULL) <> (NEW.status IN ('placing', 'pending_payment', 'cancelled', 'expired')) THEN
		RAISE EXCEPTION 'an order that is not paid cannot be %, nor a paid one unpaid', NEW.status USING ERRCODE = 'KE006';
	END IF;
	RETURN NEW;
END $$;
