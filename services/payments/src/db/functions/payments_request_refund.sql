-- A person's refund of a delivered order: its amount is reserved with the row, for a card also in the attempt, or nothing is written.
-- Another person is needed for more than one may give back of an order in all its slices, counting what a person only says was not sent;
-- for a transfer to an account that is not this customer's, checked, and by somebody else; and for goodwill beyond what one of staff, or
-- all of them, may give in a day of Tehran: p_gain is what the customer has more than was paid for, after all refunds of the order.
-- Answers which of these limits, 'staff' or 'shop', is why another person is needed.
CREATE OR REPLACE FUNCTION payments_request_refund(p_id uuid, p_order uuid, p_amount bigint, p_method text, p_sheba text, p_is_doubtful boolean, p_revealed integer, p_keys uuid[], p_reason text, p_actor text, p_alone_max bigint, p_gain bigint, p_staff_day_max bigint, p_shop_day_max bigint)
RETURNS TABLE (refund refunds, day_limit text) LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
	r refunds%ROWTYPE;
	attempt uuid;
	needs_two boolean;
	goodwill bigint;
	by_staff bigint;
	by_all bigint;
BEGIN
	i := payments_reserve_refund(p_order, p_amount);
	-- Before that its money is not earned, and what cannot be delivered goes back through the order.
	IF NOT EXISTS (SELECT FROM ledger_transactions WHERE kind IN ('sale', 'refund') AND business_ref = p_order) THEN
		RAISE EXCEPTION 'this order is not delivered yet' USING ERRCODE = 'KE031';
	END IF;
	IF p_method = 'psp' THEN
		UPDATE payment_attempts SET refunded_rial = refunded_rial + p_amount
			WHERE id = i.paid_attempt_id AND psp <> 'wallet' AND refunded_rial + p_amount <= amount_rial RETURNING id INTO attempt;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'a card gets back at most what it paid' USING ERRCODE = 'KE029';
		END IF;
	END IF;
	needs_two := p_is_doubtful
		OR i.refunded_rial + (SELECT coalesce(sum(f.amount_rial), 0) FROM refunds f WHERE f.intent_id = i.id AND f.status = 'failed' AND f.failure_reason LIKE 'not sent, told by staff%') > p_alone_max
		OR (p_method = 'manual' AND NOT EXISTS (SELECT FROM bank_accounts b WHERE b.customer_id = i.customer_id AND b.sheba = p_sheba AND b.status = 'verified' AND b.decided_by <> p_actor));
	-- Of this refund alone: those before it have theirs.
	goodwill := greatest(p_gain - (SELECT coalesce(sum(f.goodwill_rial), 0) FROM refunds f WHERE f.intent_id = i.id AND f.status NOT IN ('failed', 'rejected')), 0);
	IF goodwill > 0 AND NOT needs_two THEN
		-- One after another, so that two at once do not both find room. What a person only says was not sent still counts; what two people decided does not.
		PERFORM pg_advisory_xact_lock(hashtextextended('goodwill', 0));
		SELECT coalesce(sum(f.goodwill_rial), 0), coalesce(sum(f.goodwill_rial) FILTER (WHERE f.requested_by = p_actor), 0) INTO by_all, by_staff FROM refunds f
			WHERE f.goodwill_rial > 0 AND NOT f.needs_approval AND f.created_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran'
				AND (f.status <> 'failed' OR f.failure_reason LIKE 'not sent, told by staff%');
		day_limit := CASE WHEN by_staff + goodwill > p_staff_day_max THEN 'staff' WHEN by_all + goodwill > p_shop_day_max THEN 'shop' END;
		needs_two := day_limit IS NOT NULL;
	END IF;
	INSERT INTO refunds (id, intent_id, attempt_id, order_id, customer_id, amount_rial, method, status, is_whole, key_ids, needs_approval, goodwill_rial, revealed_count, sheba, reason, requested_by, moved_by, move_cause)
		VALUES (p_id, i.id, attempt, p_order, i.customer_id, p_amount, p_method, 'requested', i.refunded_rial = i.amount_rial, p_keys, needs_two, goodwill, p_revealed, p_sheba, p_reason, p_actor, p_actor, p_reason)
		RETURNING * INTO r;
	refund := r;
	RETURN NEXT;
END $$;

-- For processes of the version before, which count no goodwill, while they still run.
CREATE OR REPLACE FUNCTION payments_request_refund(p_id uuid, p_order uuid, p_amount bigint, p_method text, p_sheba text, p_is_doubtful boolean, p_revealed integer, p_keys uuid[], p_reason text, p_actor text, p_alone_max bigint)
RETURNS refunds LANGUAGE sql AS $$
	SELECT (refund).* FROM payments_request_refund(p_id, p_order, p_amount, p_method, p_sheba, p_is_doubtful, p_revealed, p_keys, p_reason, p_actor, p_alone_max, 0, 0, 0)
$$;

drop function if exists payments_request_refund(uuid, uuid, bigint, text, text, boolean, integer, text, text);
