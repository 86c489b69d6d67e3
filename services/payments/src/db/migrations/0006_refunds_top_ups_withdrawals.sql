CREATE TABLE "bank_accounts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"sheba" text NOT NULL,
	"holder_name" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"reason" text,
	"decided_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "bank_accounts_once" UNIQUE("customer_id","sheba")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"actor_id" text NOT NULL,
	"operation" text NOT NULL,
	"key" text NOT NULL,
	"input_hash" text NOT NULL,
	"resource_id" uuid,
	"status" smallint,
	"answer" jsonb,
	"problem" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_actor_id_operation_key_pk" PRIMARY KEY("actor_id","operation","key")
);
--> statement-breakpoint
CREATE TABLE "payout_history" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"payout_id" uuid NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"cause" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refunds" (
	"id" uuid PRIMARY KEY NOT NULL,
	"refund_no" bigint GENERATED ALWAYS AS IDENTITY (sequence name "refunds_refund_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1000000000000 CACHE 1),
	"intent_id" uuid NOT NULL,
	"attempt_id" uuid,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"amount_rial" bigint NOT NULL,
	"method" text NOT NULL,
	"status" text NOT NULL,
	"is_whole" boolean NOT NULL,
	"needs_approval" boolean NOT NULL,
	"revealed_count" integer NOT NULL,
	"sheba" text,
	"reason" text NOT NULL,
	"requested_by" text NOT NULL,
	"approved_by" text,
	"reference" text,
	"failure_reason" text,
	"inquiry_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"submitted_at" timestamp with time zone,
	"moved_by" text NOT NULL,
	"move_cause" text NOT NULL,
	"due_at" timestamp with time zone,
	CONSTRAINT "refunds_amount" CHECK ("refunds"."amount_rial" > 0),
	CONSTRAINT "refunds_second_person" CHECK ("refunds"."approved_by" is distinct from "refunds"."requested_by" or not "refunds"."needs_approval"),
	CONSTRAINT "refunds_approved" CHECK (not "refunds"."needs_approval" or "refunds"."approved_by" is not null or "refunds"."status" in ('requested', 'rejected'))
);
--> statement-breakpoint
CREATE TABLE "withdrawals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"bank_account_id" uuid NOT NULL,
	"amount_rial" bigint NOT NULL,
	"status" text DEFAULT 'requested' NOT NULL,
	"approved_by" text,
	"confirmed_by" text,
	"reference" text,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"moved_by" text NOT NULL,
	"move_cause" text NOT NULL,
	CONSTRAINT "withdrawals_reference_unique" UNIQUE("reference"),
	CONSTRAINT "withdrawals_amount" CHECK ("withdrawals"."amount_rial" > 0),
	CONSTRAINT "withdrawals_two_people" CHECK ("withdrawals"."confirmed_by" is distinct from "withdrawals"."approved_by" or "withdrawals"."confirmed_by" is null),
	CONSTRAINT "withdrawals_sent" CHECK (("withdrawals"."status" = 'sent') = ("withdrawals"."reference" is not null))
);
--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD COLUMN "refunded_rial" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_intents" ADD COLUMN "kind" text DEFAULT 'order' NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_intents" ADD COLUMN "refunded_rial" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_intent_id_payment_intents_id_fk" FOREIGN KEY ("intent_id") REFERENCES "public"."payment_intents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "withdrawals" ADD CONSTRAINT "withdrawals_bank_account_id_bank_accounts_id_fk" FOREIGN KEY ("bank_account_id") REFERENCES "public"."bank_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "bank_accounts_status" ON "bank_accounts" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "payout_history_payout" ON "payout_history" USING btree ("payout_id","id");--> statement-breakpoint
CREATE INDEX "refunds_order" ON "refunds" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "refunds_status" ON "refunds" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "refunds_due" ON "refunds" USING btree ("due_at") WHERE "refunds"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "withdrawals_customer" ON "withdrawals" USING btree ("customer_id","id");--> statement-breakpoint
CREATE INDEX "withdrawals_status" ON "withdrawals" USING btree ("status","id");--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD CONSTRAINT "payment_attempts_refunded" CHECK ("payment_attempts"."refunded_rial" between 0 and "payment_attempts"."amount_rial");--> statement-breakpoint
ALTER TABLE "payment_intents" ADD CONSTRAINT "payment_intents_refunded" CHECK ("payment_intents"."refunded_rial" between 0 and "payment_intents"."amount_rial");
--> statement-breakpoint
-- Money that already went back, by its postings.
UPDATE payment_intents i SET refunded_rial = r.rial FROM (
	SELECT t.order_id, sum(-e.amount_rial) AS rial FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
	WHERE t.kind IN ('refund', 'complaint-refund') AND e.account LIKE 'wallet:%' GROUP BY 1) r WHERE i.order_id = r.order_id AND i.status = 'captured';
--> statement-breakpoint
CREATE TABLE "payout_moves" ("from_status" text NOT NULL, "to_status" text NOT NULL, PRIMARY KEY ("from_status", "to_status"));
--> statement-breakpoint
INSERT INTO "payout_moves" VALUES
	('requested', 'approved'), ('requested', 'rejected'), ('requested', 'cancelled'),
	('approved', 'submitting'), ('approved', 'succeeded'), ('approved', 'failed'), ('approved', 'sent'), ('approved', 'rejected'),
	('submitting', 'succeeded'), ('submitting', 'failed'), ('submitting', 'unknown'),
	('unknown', 'succeeded'), ('unknown', 'failed'), ('unknown', 'review'),
	('review', 'succeeded'), ('review', 'failed');
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "payout_moves" FROM payments_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "payout_history" FROM payments_app;
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "refunds", "withdrawals", "bank_accounts" FROM payments_app;
--> statement-breakpoint
CREATE TRIGGER payout_history_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "payout_history" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
-- Checks each move of a refund or a withdrawal, keeps what it is, and writes its history.
CREATE FUNCTION payouts_on_move() RETURNS trigger LANGUAGE plpgsql AS $$
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
--> statement-breakpoint
CREATE TRIGGER refunds_on_insert AFTER INSERT ON "refunds" FOR EACH ROW EXECUTE FUNCTION payouts_on_move();
--> statement-breakpoint
CREATE TRIGGER refunds_on_update BEFORE UPDATE ON "refunds" FOR EACH ROW EXECUTE FUNCTION payouts_on_move();
--> statement-breakpoint
CREATE TRIGGER withdrawals_on_insert AFTER INSERT ON "withdrawals" FOR EACH ROW EXECUTE FUNCTION payouts_on_move();
--> statement-breakpoint
CREATE TRIGGER withdrawals_on_update BEFORE UPDATE ON "withdrawals" FOR EACH ROW EXECUTE FUNCTION payouts_on_move();
--> statement-breakpoint
-- Keeps an amount of a captured order for one way back. No row: nothing is left of it, and nothing goes (I11).
CREATE FUNCTION payments_reserve_refund(p_order uuid, p_amount bigint) RETURNS payment_intents LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	UPDATE payment_intents SET refunded_rial = refunded_rial + p_amount
		WHERE order_id = p_order AND status = 'captured' AND p_amount > 0 AND refunded_rial + p_amount <= amount_rial RETURNING * INTO i;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'an order gives back at most what was captured for it' USING ERRCODE = 'KE027';
	END IF;
	RETURN i;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION payments_refund_order(p_order uuid, p_refund bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF i.id IS NOT NULL AND EXISTS (SELECT FROM ledger_transactions WHERE kind = 'refund' AND business_ref = p_order) THEN
		RETURN false;
	END IF;
	i := payments_reserve_refund(p_order, p_refund);
	PERFORM ledger_post('refund', p_order, p_order, ARRAY['deposits:orders', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]);
	IF p_refund < i.amount_rial THEN
		PERFORM ledger_post('sale', p_order, p_order, ARRAY['deposits:orders', 'revenue:sales'], ARRAY[i.amount_rial - p_refund, p_refund - i.amount_rial]);
	END IF;
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id, 'refundRial', p_refund));
	RETURN true;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION payments_refund_unit(p_order uuid, p_refund bigint, p_complaint uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF i.id IS NOT NULL AND EXISTS (SELECT FROM ledger_transactions WHERE kind = 'complaint-refund' AND business_ref = p_complaint) THEN
		RETURN false;
	END IF;
	i := payments_reserve_refund(p_order, p_refund);
	PERFORM ledger_post('complaint-refund', p_complaint, p_order, ARRAY['revenue:refunds', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id,
		'refundRial', p_refund, 'complaintId', p_complaint));
	RETURN true;
END $$;
--> statement-breakpoint
-- A person's refund of a delivered order: its amount is reserved with the row, for a card also in the attempt, or nothing is written.
CREATE FUNCTION payments_request_refund(p_id uuid, p_order uuid, p_amount bigint, p_method text, p_sheba text, p_needs_approval boolean, p_revealed integer, p_reason text, p_actor text)
RETURNS refunds LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
	r refunds%ROWTYPE;
	attempt uuid;
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
	INSERT INTO refunds (id, intent_id, attempt_id, order_id, customer_id, amount_rial, method, status, is_whole, needs_approval, revealed_count, sheba, reason, requested_by, moved_by, move_cause)
		VALUES (p_id, i.id, attempt, p_order, i.customer_id, p_amount, p_method, 'requested', i.refunded_rial = i.amount_rial, p_needs_approval, p_revealed, p_sheba, p_reason, p_actor, p_actor, p_reason)
		RETURNING * INTO r;
	RETURN r;
END $$;
--> statement-breakpoint
-- The money went back: the ledger, the row and the news in one statement, once.
CREATE FUNCTION payments_finish_refund(p_id uuid, p_reference text, p_actor text, p_cause text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r refunds%ROWTYPE;
	target text;
BEGIN
	UPDATE refunds SET status = 'succeeded', reference = p_reference, due_at = NULL, updated_at = now(), failure_reason = NULL, moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND (status IN ('submitting', 'unknown', 'review') OR (status = 'approved' AND method = 'wallet')) RETURNING * INTO r;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	target := CASE r.method WHEN 'wallet' THEN 'wallet:' || r.customer_id WHEN 'manual' THEN 'bank:payouts'
		ELSE 'clearing:' || (SELECT psp FROM payment_attempts WHERE id = r.attempt_id) END;
	PERFORM ledger_post('staff-refund', r.id, r.order_id, ARRAY['revenue:refunds', target], ARRAY[r.amount_rial, -r.amount_rial]);
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', r.order_id,
		'orderNumber', (SELECT order_number FROM payment_intents WHERE id = r.intent_id), 'customerId', r.customer_id,
		'refundRial', r.amount_rial, 'refundId', r.id, 'method', r.method, 'isWhole', r.is_whole));
	RETURN true;
END $$;
--> statement-breakpoint
-- Certainly no money went back: its amount is free again, once.
CREATE FUNCTION payments_drop_refund(p_id uuid, p_status text, p_actor text, p_cause text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r refunds%ROWTYPE;
BEGIN
	UPDATE refunds SET status = p_status, due_at = NULL, updated_at = now(), failure_reason = p_cause, moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND ((p_status = 'rejected' AND status = 'requested') OR (p_status = 'failed' AND status IN ('approved', 'submitting', 'unknown', 'review'))) RETURNING * INTO r;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE payment_intents SET refunded_rial = refunded_rial - r.amount_rial WHERE id = r.intent_id;
	UPDATE payment_attempts SET refunded_rial = refunded_rial - r.amount_rial WHERE id = r.attempt_id;
	RETURN true;
END $$;
--> statement-breakpoint
-- Wallet money for a bank account is held with its row, or nothing is written (I10).
CREATE FUNCTION payments_request_withdrawal(p_id uuid, p_customer uuid, p_account uuid, p_amount bigint) RETURNS withdrawals LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	w withdrawals%ROWTYPE;
BEGIN
	IF NOT EXISTS (SELECT FROM bank_accounts WHERE id = p_account AND customer_id = p_customer AND status = 'verified') THEN
		RAISE EXCEPTION 'money goes to a verified account of its owner' USING ERRCODE = 'KE030';
	END IF;
	UPDATE wallets SET held_rial = held_rial + p_amount WHERE customer_id = p_customer AND p_amount > 0 AND balance_rial - held_rial >= p_amount;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'a wallet never holds more than it has' USING ERRCODE = 'KE028';
	END IF;
	INSERT INTO withdrawals (id, customer_id, bank_account_id, amount_rial, moved_by, move_cause)
		VALUES (p_id, p_customer, p_account, p_amount, 'user:' || p_customer, 'requested') RETURNING * INTO w;
	RETURN w;
END $$;
--> statement-breakpoint
-- Ends a withdrawal, once: sent, its money leaves the books; refused or taken back, it is free again.
CREATE FUNCTION payments_end_withdrawal(p_id uuid, p_status text, p_reference text, p_actor text, p_cause text) RETURNS withdrawals LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	w withdrawals%ROWTYPE;
BEGIN
	UPDATE withdrawals SET status = p_status, reference = p_reference, reason = p_cause, updated_at = now(), moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND ((p_status = 'sent' AND status = 'approved') OR (p_status = 'rejected' AND status IN ('requested', 'approved')) OR (p_status = 'cancelled' AND status = 'requested'))
		RETURNING * INTO w;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	UPDATE wallets SET held_rial = held_rial - w.amount_rial WHERE customer_id = w.customer_id;
	IF p_status = 'sent' THEN
		PERFORM ledger_post('withdrawal', w.id, NULL, ARRAY['wallet:' || w.customer_id, 'bank:payouts'], ARRAY[w.amount_rial, -w.amount_rial]);
	END IF;
	RETURN w;
END $$;
--> statement-breakpoint
-- As before, and for a top-up: the money is the wallet's at once.
CREATE OR REPLACE FUNCTION payments_capture(p_attempt uuid, p_reference text, p_card_masked text, p_card_hash text, p_may_revive boolean)
RETURNS TABLE (is_surplus boolean, captured_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	a payment_attempts%ROWTYPE;
	i payment_intents%ROWTYPE;
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
		RETURNING * INTO i;
	surplus := NOT FOUND;
	IF surplus THEN
		UPDATE payment_attempts SET is_surplus = true WHERE id = a.id;
		PERFORM ledger_post('surplus', a.id, a.order_id, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.surplus', jsonb_build_object(
			'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', a.amount_rial));
	ELSIF i.kind = 'top-up' THEN
		PERFORM ledger_post('top-up', a.id, NULL, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
	ELSE
		PERFORM payments_post_hold(a.intent_id);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
			'intentId', a.intent_id, 'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', i.amount_rial,
			'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	END IF;
	RETURN QUERY SELECT surplus, now();
END $$;
--> statement-breakpoint
CREATE OR REPLACE VIEW captures_unaccounted AS
	SELECT a.id AS attempt_id, a.order_id, a.amount_rial, a.updated_at AS captured_at FROM payment_attempts a
	WHERE a.status = 'captured'
		AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.kind IN ('sale', 'refund') AND t.business_ref = a.order_id)
		AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.kind IN ('surplus', 'top-up') AND t.business_ref = a.id);
--> statement-breakpoint
-- A top-up of the wallet, within what one customer may add in a day of Tehran. Two at once count each other.
CREATE FUNCTION payments_open_top_up(p_id uuid, p_customer uuid, p_amount bigint, p_day_max bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	today bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('top-up ' || p_customer, 0));
	SELECT coalesce(sum(amount_rial), 0) INTO today FROM payment_intents WHERE customer_id = p_customer AND kind = 'top-up'
		AND (status = 'captured' OR created_at > now() - interval '30 minutes')
		AND created_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran';
	IF p_amount < 1 OR today + p_amount > p_day_max THEN
		RAISE EXCEPTION 'above what may be added in a day' USING ERRCODE = 'KE032';
	END IF;
	INSERT INTO payment_intents (id, kind, order_id, order_number, customer_id, amount_rial, status)
		VALUES (uuidv7(), 'top-up', p_id, 'wallet', p_customer, p_amount, 'open');
END $$;
--> statement-breakpoint
CREATE INDEX "payment_intents_customer" ON "payment_intents" USING btree ("customer_id","created_at");
