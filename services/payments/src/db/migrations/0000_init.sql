CREATE TABLE "attempt_history" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"attempt_id" uuid NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"cause" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"event_id" uuid NOT NULL,
	"consumer" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_event_id_consumer_pk" PRIMARY KEY("event_id","consumer")
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"transaction_id" uuid NOT NULL,
	"account" text NOT NULL,
	"amount_rial" bigint NOT NULL,
	CONSTRAINT "ledger_entries_amount" CHECK ("ledger_entries"."amount_rial" <> 0)
);
--> statement-breakpoint
CREATE TABLE "ledger_transactions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"business_ref" uuid NOT NULL,
	"order_id" uuid,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_transactions_once" UNIQUE("kind","business_ref")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"claimed_until" timestamp with time zone,
	"sent_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "payment_attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"intent_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"psp" text NOT NULL,
	"status" text NOT NULL,
	"amount_rial" bigint NOT NULL,
	"psp_token" text,
	"psp_reference" text,
	"redirect_url" text,
	"verify_count" integer DEFAULT 0 NOT NULL,
	"is_surplus" boolean DEFAULT false NOT NULL,
	"card_masked" text,
	"card_hash" text,
	"failure_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"redirected_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"moved_by" text NOT NULL,
	"move_cause" text NOT NULL,
	"due_at" timestamp with time zone,
	CONSTRAINT "payment_attempts_amount" CHECK ("payment_attempts"."amount_rial" > 0),
	CONSTRAINT "payment_attempts_captured" CHECK ("payment_attempts"."status" <> 'captured' or "payment_attempts"."psp_reference" is not null)
);
--> statement-breakpoint
CREATE TABLE "payment_intents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"order_number" text NOT NULL,
	"customer_id" uuid NOT NULL,
	"amount_rial" bigint NOT NULL,
	"phone" text,
	"status" text NOT NULL,
	"paid_attempt_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payment_intents_order_id_unique" UNIQUE("order_id"),
	CONSTRAINT "payment_intents_paid_attempt_id_unique" UNIQUE("paid_attempt_id"),
	CONSTRAINT "payment_intents_amount" CHECK ("payment_intents"."amount_rial" > 0),
	CONSTRAINT "payment_intents_paid" CHECK (("payment_intents"."status" = 'captured') = ("payment_intents"."paid_attempt_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "wallets" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"balance_rial" bigint NOT NULL,
	"held_rial" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "wallets_never_negative" CHECK ("wallets"."held_rial" >= 0 and "wallets"."balance_rial" - "wallets"."held_rial" >= 0)
);
--> statement-breakpoint
ALTER TABLE "attempt_history" ADD CONSTRAINT "attempt_history_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_transaction_id_ledger_transactions_id_fk" FOREIGN KEY ("transaction_id") REFERENCES "public"."ledger_transactions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD CONSTRAINT "payment_attempts_intent_id_payment_intents_id_fk" FOREIGN KEY ("intent_id") REFERENCES "public"."payment_intents"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempt_history_attempt" ON "attempt_history" USING btree ("attempt_id","id");--> statement-breakpoint
CREATE INDEX "ledger_entries_transaction" ON "ledger_entries" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "ledger_entries_account" ON "ledger_entries" USING btree ("account","id");--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("id") WHERE "outbox"."sent_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "payment_attempts_token" ON "payment_attempts" USING btree ("psp","psp_token");--> statement-breakpoint
CREATE UNIQUE INDEX "payment_attempts_reference" ON "payment_attempts" USING btree ("psp","psp_reference");--> statement-breakpoint
CREATE INDEX "payment_attempts_intent" ON "payment_attempts" USING btree ("intent_id");--> statement-breakpoint
CREATE INDEX "payment_attempts_due" ON "payment_attempts" USING btree ("due_at") WHERE "payment_attempts"."due_at" is not null;--> statement-breakpoint
CREATE TABLE "attempt_moves" ("from_status" text NOT NULL, "to_status" text NOT NULL, PRIMARY KEY ("from_status", "to_status"));
--> statement-breakpoint
INSERT INTO "attempt_moves" VALUES
	('requesting', 'redirected'), ('requesting', 'failed'),
	('redirected', 'returned'), ('redirected', 'verifying'), ('redirected', 'abandoned'), ('redirected', 'failed'),
	('returned', 'verifying'), ('returned', 'failed'), ('returned', 'abandoned'),
	('verifying', 'captured'), ('verifying', 'failed'), ('verifying', 'unknown'), ('verifying', 'review'), ('verifying', 'verifying'),
	('unknown', 'verifying'), ('unknown', 'captured'), ('unknown', 'failed'), ('unknown', 'reversed'), ('unknown', 'review'),
	('failed', 'verifying'), ('abandoned', 'verifying');
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "attempt_moves" FROM payments_app;
--> statement-breakpoint
-- Checks each move against the table and writes its history: who and why is what the statement wrote into the row.
CREATE FUNCTION attempts_on_move() RETURNS trigger LANGUAGE plpgsql AS $$
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
--> statement-breakpoint
CREATE TRIGGER attempts_on_insert AFTER INSERT ON "payment_attempts" FOR EACH ROW EXECUTE FUNCTION attempts_on_move();
--> statement-breakpoint
CREATE TRIGGER attempts_on_update BEFORE UPDATE ON "payment_attempts" FOR EACH ROW EXECUTE FUNCTION attempts_on_move();
--> statement-breakpoint
CREATE FUNCTION intents_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.amount_rial <> OLD.amount_rial OR NEW.order_id <> OLD.order_id OR NEW.customer_id <> OLD.customer_id THEN
		RAISE EXCEPTION 'an intent stays what it is' USING ERRCODE = 'KE024';
	END IF;
	IF OLD.status = 'captured' AND (NEW.status <> 'captured' OR NEW.paid_attempt_id IS DISTINCT FROM OLD.paid_attempt_id) THEN
		RAISE EXCEPTION 'a captured intent stays captured, by its one attempt' USING ERRCODE = 'KE023';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER intents_check_move BEFORE UPDATE ON "payment_intents" FOR EACH ROW EXECUTE FUNCTION intents_check_move();
--> statement-breakpoint
-- The sum of a ledger transaction is checked when its database transaction commits.
CREATE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT coalesce(sum(amount_rial), 0) FROM ledger_entries WHERE transaction_id = NEW.transaction_id) <> 0 THEN
		RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'KE025';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER ledger_check_balance AFTER INSERT ON "ledger_entries" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();
--> statement-breakpoint
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the ledger is never changed' USING ERRCODE = 'KE026';
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_entries" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
CREATE TRIGGER ledger_transactions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_transactions" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
CREATE TRIGGER attempt_history_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "attempt_history" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "ledger_transactions", "ledger_entries", "wallets" FROM payments_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "attempt_history" FROM payments_app;
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "payment_intents", "payment_attempts" FROM payments_app;
--> statement-breakpoint
-- The one way into the ledger. Answers false when this business event was posted before. Debit is positive; a wallet's account is
-- 'wallet:<customer>', a liability, so its balance is the negative of its entries.
CREATE FUNCTION ledger_post(p_kind text, p_ref uuid, p_order uuid, p_accounts text[], p_amounts bigint[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	tx uuid := uuidv7();
BEGIN
	IF (SELECT sum(a) FROM unnest(p_amounts) a) <> 0 OR cardinality(p_accounts) < 2 OR cardinality(p_accounts) <> cardinality(p_amounts) THEN
		RAISE EXCEPTION 'a posting must sum to zero' USING ERRCODE = 'KE025';
	END IF;
	INSERT INTO ledger_transactions (id, kind, business_ref, order_id) VALUES (tx, p_kind, p_ref, p_order) ON CONFLICT (kind, business_ref) DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	INSERT INTO ledger_entries (id, transaction_id, account, amount_rial) SELECT uuidv7(), tx, account, amount FROM unnest(p_accounts, p_amounts) AS e(account, amount);
	IF EXISTS (SELECT FROM unnest(p_accounts) AS account WHERE account LIKE 'wallet:%') THEN
		-- Two statements: an upsert would check a spending, which is negative, as if it were the whole balance.
		INSERT INTO wallets (customer_id, balance_rial)
			SELECT DISTINCT substr(account, 8)::uuid, 0 FROM unnest(p_accounts) AS account WHERE account LIKE 'wallet:%' ORDER BY 1 ON CONFLICT DO NOTHING;
		UPDATE wallets SET balance_rial = balance_rial + moved.amount
			FROM (SELECT substr(account, 8)::uuid AS customer_id, -sum(amount) AS amount FROM unnest(p_accounts, p_amounts) AS e(account, amount)
				WHERE account LIKE 'wallet:%' GROUP BY 1) AS moved
			WHERE wallets.customer_id = moved.customer_id;
	END IF;
	RETURN true;
END $$;
--> statement-breakpoint
-- Records what a verify proved, in one statement: the attempt from verifying to captured, its money in the ledger, the intent paid by
-- it or, when the intent is paid or dead, the money in the customer's wallet. Answers null when somebody else recorded it.
CREATE FUNCTION payments_capture(p_attempt uuid, p_reference text, p_card_masked text, p_card_hash text, p_may_revive boolean)
RETURNS TABLE (is_surplus boolean, captured_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	a payment_attempts%ROWTYPE;
	surplus boolean;
BEGIN
	UPDATE payment_attempts SET status = 'captured', psp_reference = p_reference, card_masked = p_card_masked, card_hash = p_card_hash, due_at = NULL, updated_at = now(), failure_reason = NULL, move_cause = 'verified'
		WHERE id = p_attempt AND status IN ('verifying', 'unknown') RETURNING * INTO a;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	PERFORM ledger_post('capture', a.id, a.order_id, ARRAY['clearing:' || a.psp, 'deposits:orders'], ARRAY[a.amount_rial, -a.amount_rial]);
	UPDATE payment_intents SET status = 'captured', paid_attempt_id = a.id
		WHERE id = a.intent_id AND paid_attempt_id IS NULL AND amount_rial = a.amount_rial AND (status = 'open' OR (status = 'expired' AND p_may_revive));
	surplus := NOT FOUND;
	IF surplus THEN
		UPDATE payment_attempts SET is_surplus = true WHERE id = a.id;
		PERFORM ledger_post('surplus', a.id, a.order_id, ARRAY['deposits:orders', 'wallet:' || a.customer_id], ARRAY[a.amount_rial, -a.amount_rial]);
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.surplus', jsonb_build_object(
			'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', a.amount_rial));
	ELSE
		INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.captured', jsonb_build_object(
			'intentId', a.intent_id, 'attemptId', a.id, 'orderId', a.order_id, 'customerId', a.customer_id, 'amountRial', a.amount_rial,
			'capturedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
	END IF;
	RETURN QUERY SELECT surplus, now();
END $$;
--> statement-breakpoint
-- Gives back the part of a captured order that cannot be delivered, to the wallet, once; the rest of it is earned.
CREATE FUNCTION payments_refund_order(p_order uuid, p_refund bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	i payment_intents%ROWTYPE;
BEGIN
	SELECT * INTO i FROM payment_intents WHERE order_id = p_order AND status = 'captured' FOR NO KEY UPDATE;
	IF NOT FOUND OR p_refund < 1 OR p_refund > i.amount_rial THEN
		RAISE EXCEPTION 'an order gives back at most what was captured for it' USING ERRCODE = 'KE027';
	END IF;
	IF NOT ledger_post('refund', p_order, p_order, ARRAY['deposits:orders', 'wallet:' || i.customer_id], ARRAY[p_refund, -p_refund]) THEN
		RETURN false;
	END IF;
	IF p_refund < i.amount_rial THEN
		PERFORM ledger_post('sale', p_order, p_order, ARRAY['deposits:orders', 'revenue:sales'], ARRAY[i.amount_rial - p_refund, p_refund - i.amount_rial]);
	END IF;
	INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'payment.refunded', jsonb_build_object('orderId', p_order, 'orderNumber', i.order_number, 'customerId', i.customer_id, 'refundRial', p_refund));
	RETURN true;
END $$;
--> statement-breakpoint
-- Captured money that is neither fulfilled, nor the customer's again, nor still owed to a living order (I5).
CREATE VIEW captures_unaccounted AS
	SELECT a.id AS attempt_id, a.order_id, a.amount_rial, a.updated_at AS captured_at FROM payment_attempts a
	WHERE a.status = 'captured'
		AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.kind IN ('sale', 'refund') AND t.business_ref = a.order_id)
		AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.kind = 'surplus' AND t.business_ref = a.id);
