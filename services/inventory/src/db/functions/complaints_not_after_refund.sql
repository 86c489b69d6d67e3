-- Whoever has all the money of an order back gets no other product key for it, and no money again, however old the complaint is.
CREATE OR REPLACE FUNCTION complaints_not_after_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(NEW.order_id::text, 0));
	IF EXISTS (SELECT FROM refunded_orders WHERE order_id = NEW.order_id) THEN
		RAISE EXCEPTION 'the money of this order went back' USING ERRCODE = 'KE051';
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER complaints_not_after_refund BEFORE UPDATE OF status ON complaints FOR EACH ROW
	WHEN (OLD.status = 'open' AND NEW.status IN ('replaced', 'refunded')) EXECUTE FUNCTION complaints_not_after_refund();
