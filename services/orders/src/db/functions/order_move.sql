-- One move: conditional, with its history row. Answers the new version, or null when the order was not in that status. An unpaid order in
-- review is looked at again for news that were lost.
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
