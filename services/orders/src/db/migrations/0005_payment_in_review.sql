-- A payment in review holds its order there, unpaid, until a person decides: then it is paid after all, or may be paid again, or is over.
INSERT INTO "order_moves" VALUES ('pending_payment', 'review'), ('expired', 'review'), ('review', 'paid'), ('review', 'pending_payment'), ('review', 'expired');
--> statement-breakpoint
-- As before, and I6: only what is paid is delivered or given back, and what is paid never awaits a payment again. An order in review is either.
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
--> statement-breakpoint
-- As before; an unpaid order in review is looked at again for news that were lost.
CREATE OR REPLACE FUNCTION order_move(p_order uuid, p_from text[], p_to text, p_reason text, p_actor text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	was text;
	new_version integer;
BEGIN
	SELECT status INTO was FROM orders WHERE id = p_order AND status = ANY (p_from) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	UPDATE orders SET status = p_to, version = version + 1,
		fulfilled_at = CASE WHEN p_to = 'fulfilled' THEN now() ELSE fulfilled_at END,
		-- When the sweep looks at it next: at its hold's end, soon while a key is owed, at once when it holds something it must let go.
		due_at = CASE
			WHEN p_to = 'pending_payment' THEN hold_expires_at
			WHEN p_to IN ('cancelled', 'expired') OR was = 'review' AND p_to = 'fulfilling' THEN now()
			WHEN p_to IN ('paid', 'fulfilling', 'part_fulfilled') THEN now() + interval '30 seconds'
			WHEN p_to = 'review' AND paid_attempt_id IS NULL THEN now() + interval '5 minutes'
		END
	WHERE id = p_order RETURNING version INTO new_version;
	INSERT INTO order_history (order_id, from_status, to_status, reason, actor) VALUES (p_order, was, p_to, p_reason, p_actor);
	RETURN new_version;
END $$;
--> statement-breakpoint
-- As before, for an order in review too: it may have been dead when its payment came there, and has given its uses back.
CREATE OR REPLACE FUNCTION order_retake_coupons(p_order uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	u coupon_uses%ROWTYPE;
BEGIN
	PERFORM FROM orders WHERE id = p_order AND status IN ('expired', 'review') FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN true;
	END IF;
	BEGIN
		FOR u IN SELECT * FROM coupon_uses WHERE order_id = p_order AND released_at IS NOT NULL ORDER BY coupon_id LOOP
			PERFORM coupon_count_use(u.coupon_id, p_order, u.customer_id, true);
		END LOOP;
		UPDATE coupon_uses SET released_at = NULL WHERE order_id = p_order;
		RETURN true;
	EXCEPTION WHEN SQLSTATE 'KE004' THEN
		RETURN false;
	END;
END $$;
