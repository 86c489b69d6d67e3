CREATE TABLE "wallet_holds" (
	"intent_id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"amount_rial" bigint NOT NULL,
	"status" text DEFAULT 'held' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "wallet_holds_order_id_unique" UNIQUE("order_id"),
	CONSTRAINT "wallet_holds_amount" CHECK ("wallet_holds"."amount_rial" > 0)
);
--> statement-breakpoint
ALTER TABLE "wallet_holds" ADD CONSTRAINT "wallet_holds_intent_id_payment_intents_id_fk" FOREIGN KEY ("intent_id") REFERENCES "public"."payment_intents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "wallet_holds_held" ON "wallet_holds" USING btree ("customer_id") WHERE "wallet_holds"."status" = 'held';
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "wallet_holds" FROM payments_app;
--> statement-breakpoint
-- What an order owes, once; the wallet's part of it is held in the same transaction, as much as is free there and not more than asked.
-- A bank takes no less than 10,000 Rial, so the wallet leaves that much when it cannot pay all.
CREATE FUNCTION payments_open_intent(p_id uuid, p_order uuid, p_number text, p_customer uuid, p_amount bigint, p_phone text, p_wallet_max bigint)
RETURNS TABLE (id uuid, status text, amount_rial bigint, customer_id uuid, wallet_rial bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
	usable bigint := 0;
BEGIN
	INSERT INTO payment_intents (id, order_id, order_number, customer_id, amount_rial, phone, status)
		VALUES (p_id, p_order, p_number, p_customer, p_amount, p_phone, 'open') ON CONFLICT (order_id) DO NOTHING;
	IF FOUND AND p_wallet_max > 0 THEN
		SELECT greatest(least(w.balance_rial - w.held_rial, p_wallet_max, p_amount), 0) INTO usable FROM wallets w WHERE w.customer_id = p_customer FOR NO KEY UPDATE;
		IF p_amount - usable BETWEEN 1 AND 9999 THEN
			usable := greatest(p_amount - 10000, 0);
		END IF;
		IF usable > 0 THEN
			UPDATE wallets w SET held_rial = w.held_rial + usable WHERE w.customer_id = p_customer AND w.balance_rial - w.held_rial >= usable;
			IF NOT FOUND THEN
				RAISE EXCEPTION 'a wallet never holds more than it has' USING ERRCODE = 'KE028';
			END IF;
			INSERT INTO wallet_holds (intent_id, order_id, customer_id, amount_rial) VALUES (p_id, p_order, p_customer, usable);
		END IF;
	END IF;
	RETURN QUERY SELECT i.id, i.status, i.amount_rial, i.customer_id, coalesce(h.amount_rial, 0) FROM payment_intents i
		LEFT JOIN wallet_holds h ON h.intent_id = i.id AND h.status <> 'voided' WHERE i.order_id = p_order;
END $$;
--> statement-breakpoint
-- Takes the held part: from the wallet to the order's deposit, once, and only for an intent that is captured.
CREATE FUNCTION payments_post_hold(p_intent uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	h wallet_holds%ROWTYPE;
BEGIN
	UPDATE wallet_holds SET status = 'posted' WHERE intent_id = p_intent AND status = 'held'
		AND EXISTS (SELECT FROM payment_intents i WHERE i.id = p_intent AND i.status = 'captured') RETURNING * INTO h;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE wallets SET held_rial = held_rial - h.amount_rial WHERE customer_id = h.customer_id;
	PERFORM ledger_post('wallet-payment', h.intent_id, h.order_id, ARRAY['wallet:' || h.customer_id, 'deposits:orders'], ARRAY[h.amount_rial, -h.amount_rial]);
END $$;
--> statement-breakpoint
-- The order is dead: no new attempts, and what was held of the wallet is free again, once. A captured intent stays captured.
CREATE FUNCTION payments_close_intent(p_order uuid, p_status text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	h wallet_holds%ROWTYPE;
BEGIN
	IF p_status NOT IN ('expired', 'cancelled') THEN
		RAISE EXCEPTION 'an intent is closed as expired or cancelled' USING ERRCODE = 'KE024';
	END IF;
	UPDATE payment_intents SET status = p_status WHERE order_id = p_order AND status = 'open';
	UPDATE wallet_holds SET status = 'voided' WHERE order_id = p_order AND status = 'held'
		AND EXISTS (SELECT FROM payment_intents i WHERE i.order_id = p_order AND i.status IN ('expired', 'cancelled')) RETURNING * INTO h;
	IF FOUND THEN
		UPDATE wallets SET held_rial = held_rial - h.amount_rial WHERE customer_id = h.customer_id;
	END IF;
END $$;
--> statement-breakpoint
-- The wallet alone pays an order whose whole amount is held there: the attempt, the ledger and the news in one statement.
CREATE FUNCTION payments_pay_by_wallet(p_attempt uuid, p_order uuid, p_actor text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'open' FOR NO KEY UPDATE;
	IF NOT FOUND OR NOT EXISTS (SELECT FROM wallet_holds h WHERE h.intent_id = i.id AND h.status = 'held' AND h.amount_rial = i.amount_rial) THEN
		RETURN false;
	END IF;
	INSERT INTO payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, psp_reference, moved_by, move_cause)
		VALUES (p_attempt, i.id, i.order_id, i.customer_id, 'wallet', 'captured', i.amount_rial, i.id::text, p_actor, 'paid by wallet') ON CONFLICT (id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE payment_intents SET status = 'captured', paid_attempt_id = p_attempt WHERE id = i.id;
	PERFORM payments_post_hold(i.id);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
		'intentId', i.id, 'attemptId', p_attempt, 'orderId', i.order_id, 'customerId', i.customer_id, 'amountRial', i.amount_rial,
		'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	RETURN true;
END $$;
--> statement-breakpoint
-- As before; a bank's money pays an intent together with what is held of the wallet. Where that hold is gone, the money is surplus.
CREATE OR REPLACE FUNCTION payments_capture(p_attempt uuid, p_reference text, p_card_masked text, p_card_hash text, p_may_revive boolean)
RETURNS TABLE (is_surplus boolean, captured_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	a payment_attempts%ROWTYPE;
	total bigint;
	surplus boolean;
BEGIN
	UPDATE payment_attempts SET status = 'captured', psp_reference = p_reference, card_masked = p_card_masked, card_hash = p_card_hash, due_at = NULL, updated_at = now(), failure_reason = NULL, move_cause = 'verified'
		WHERE id = p_attempt AND status IN ('verifying', 'unknown') RETURNING * INTO a;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	PERFORM ledger_post('capture', a.id, a.order_id, ARRAY['clearing:' || a.psp, 'deposits:orders'], ARRAY[a.amount_rial, -a.amount_rial]);
	UPDATE payment_intents i SET status = 'captured', paid_attempt_id = a.id
		WHERE i.id = a.intent_id AND i.paid_attempt_id IS NULL AND (i.status = 'open' OR (i.status = 'expired' AND p_may_revive))
			AND i.amount_rial = a.amount_rial + coalesce((SELECT h.amount_rial FROM wallet_holds h WHERE h.intent_id = i.id AND h.status = 'held'), 0)
		RETURNING i.amount_rial INTO total;
	surplus := NOT FOUND;
	IF surplus THEN
		UPDATE payment_attempts SET is_surplus = true WHERE id = a.id;
		PERFORM ledger_post('surplus', a.id, a.order_id, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.surplus', jsonb_build_object(
			'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', a.amount_rial));
	ELSE
		PERFORM payments_post_hold(a.intent_id);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
			'intentId', a.intent_id, 'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', total,
			'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	END IF;
	RETURN QUERY SELECT surplus, now();
END $$;
