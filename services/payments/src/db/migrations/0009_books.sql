CREATE TABLE "invariant_breaches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"invariant" text NOT NULL,
	"subject" text NOT NULL,
	"psp" text,
	"sentence" text NOT NULL,
	"found_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invariant_breaches_once" UNIQUE("invariant","subject")
);
--> statement-breakpoint
CREATE TABLE "ledger_close_balances" (
	"day" date NOT NULL,
	"account" text NOT NULL,
	"debit_rial" bigint NOT NULL,
	"credit_rial" bigint NOT NULL,
	"balance_rial" bigint NOT NULL,
	CONSTRAINT "ledger_close_balances_day_account_pk" PRIMARY KEY("day","account")
);
--> statement-breakpoint
CREATE TABLE "ledger_closes" (
	"day" date PRIMARY KEY NOT NULL,
	"from_at" timestamp with time zone NOT NULL,
	"until_at" timestamp with time zone NOT NULL,
	"sealed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone,
	"transaction_count" integer,
	"debit_rial" bigint,
	"credit_rial" bigint,
	CONSTRAINT "ledger_closes_span" CHECK ("ledger_closes"."from_at" < "ledger_closes"."until_at"),
	CONSTRAINT "ledger_closes_sums" CHECK (("ledger_closes"."closed_at" is null) = ("ledger_closes"."debit_rial" is null) and "ledger_closes"."debit_rial" is not distinct from "ledger_closes"."credit_rial")
);
--> statement-breakpoint
CREATE TABLE "monitor_marks" (
	"name" text PRIMARY KEY NOT NULL,
	"looked_until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settlement_differences" (
	"id" uuid PRIMARY KEY NOT NULL,
	"import_id" uuid NOT NULL,
	"psp" text NOT NULL,
	"day" date NOT NULL,
	"cause" text NOT NULL,
	"line" integer,
	"reference" text,
	"attempt_id" uuid,
	"refund_id" uuid,
	"reported_rial" bigint,
	"ledger_rial" bigint,
	"fee_rial" bigint,
	"status" text DEFAULT 'open' NOT NULL,
	"note" text,
	"resolved_by" text,
	"resolved_at" timestamp with time zone,
	CONSTRAINT "settlement_differences_resolved" CHECK (("settlement_differences"."status" = 'resolved') = ("settlement_differences"."note" is not null and "settlement_differences"."resolved_by" is not null and "settlement_differences"."resolved_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "settlement_imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"psp" text NOT NULL,
	"day" date NOT NULL,
	"content_hash" text NOT NULL,
	"imported_by" text NOT NULL,
	"imported_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "settlement_imports_once" UNIQUE("psp","content_hash")
);
--> statement-breakpoint
CREATE TABLE "settlement_rows" (
	"id" uuid PRIMARY KEY NOT NULL,
	"import_id" uuid NOT NULL,
	"psp" text NOT NULL,
	"line" integer NOT NULL,
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"amount_rial" bigint,
	"fee_rial" bigint,
	"attempt_id" uuid,
	"refund_id" uuid,
	"verdict" text NOT NULL,
	CONSTRAINT "settlement_rows_line" UNIQUE("import_id","line")
);
--> statement-breakpoint
ALTER TABLE "ledger_close_balances" ADD CONSTRAINT "ledger_close_balances_day_ledger_closes_day_fk" FOREIGN KEY ("day") REFERENCES "public"."ledger_closes"("day") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_differences" ADD CONSTRAINT "settlement_differences_import_id_settlement_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."settlement_imports"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_differences" ADD CONSTRAINT "settlement_differences_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_differences" ADD CONSTRAINT "settlement_differences_refund_id_refunds_id_fk" FOREIGN KEY ("refund_id") REFERENCES "public"."refunds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_rows" ADD CONSTRAINT "settlement_rows_import_id_settlement_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."settlement_imports"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_rows" ADD CONSTRAINT "settlement_rows_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settlement_rows" ADD CONSTRAINT "settlement_rows_refund_id_refunds_id_fk" FOREIGN KEY ("refund_id") REFERENCES "public"."refunds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "settlement_differences_import" ON "settlement_differences" USING btree ("import_id","id");--> statement-breakpoint
CREATE INDEX "settlement_differences_status" ON "settlement_differences" USING btree ("status","id");--> statement-breakpoint
CREATE UNIQUE INDEX "settlement_differences_lack" ON "settlement_differences" USING btree (coalesce("refund_id", "attempt_id")) WHERE "settlement_differences"."line" is null;--> statement-breakpoint
CREATE INDEX "settlement_rows_reference" ON "settlement_rows" USING btree ("psp","kind","reference");--> statement-breakpoint
CREATE UNIQUE INDEX "settlement_rows_payment_once" ON "settlement_rows" USING btree ("attempt_id") WHERE "settlement_rows"."kind" = 'payment' and "settlement_rows"."verdict" in ('matched', 'fee-too-high');--> statement-breakpoint
CREATE UNIQUE INDEX "settlement_rows_refund_once" ON "settlement_rows" USING btree ("refund_id") WHERE "settlement_rows"."kind" = 'refund' and "settlement_rows"."verdict" in ('matched', 'fee-too-high');--> statement-breakpoint
CREATE INDEX "ledger_transactions_at" ON "ledger_transactions" USING btree ("at");--> statement-breakpoint
CREATE INDEX "payment_attempts_captured_lately" ON "payment_attempts" USING btree ("updated_at") WHERE "payment_attempts"."status" = 'captured';--> statement-breakpoint
CREATE INDEX "refunds_lately" ON "refunds" USING btree ("updated_at");--> statement-breakpoint
CREATE INDEX "refunds_attempt" ON "refunds" USING btree ("attempt_id");--> statement-breakpoint
CREATE INDEX "refunds_reference" ON "refunds" USING btree ("reference");
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "ledger_closes", "ledger_close_balances", "settlement_imports", "settlement_rows", "settlement_differences" FROM payments_app;
--> statement-breakpoint
GRANT UPDATE (status, note, resolved_by, resolved_at) ON "settlement_differences" TO payments_app;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "invariant_breaches" FROM payments_app;
--> statement-breakpoint
-- Whoever posts holds this lock shared until the end of its transaction, and a day is sealed under the whole of it: when the seal is
-- written, no posting of that day is still on its way, and each later one sees the seal.
CREATE FUNCTION ledger_refuse_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger close', 0));
	IF NEW.at < (SELECT until_at FROM ledger_closes ORDER BY day DESC LIMIT 1) THEN
		RAISE EXCEPTION 'the day of % is closed', NEW.at USING ERRCODE = 'KE033';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_refuse_closed_day BEFORE INSERT ON "ledger_transactions" FOR EACH ROW EXECUTE FUNCTION ledger_refuse_closed_day();
--> statement-breakpoint
-- An entry that is added to an old transaction would change its day as well.
CREATE FUNCTION ledger_refuse_old_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT at FROM ledger_transactions WHERE id = NEW.transaction_id) < (SELECT until_at FROM ledger_closes ORDER BY day DESC LIMIT 1) THEN
		RAISE EXCEPTION 'the day of transaction % is closed', NEW.transaction_id USING ERRCODE = 'KE033';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_refuse_old_transaction BEFORE INSERT ON "ledger_entries" FOR EACH ROW EXECUTE FUNCTION ledger_refuse_old_transaction();
--> statement-breakpoint
CREATE FUNCTION ledger_close_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.closed_at IS NOT NULL OR NEW.day <> OLD.day OR NEW.from_at <> OLD.from_at OR NEW.until_at <> OLD.until_at THEN
		RAISE EXCEPTION 'a closed day stays closed' USING ERRCODE = 'KE026';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_closes_stay BEFORE UPDATE ON "ledger_closes" FOR EACH ROW EXECUTE FUNCTION ledger_close_stays();
--> statement-breakpoint
CREATE TRIGGER ledger_closes_are_kept BEFORE DELETE OR TRUNCATE ON "ledger_closes" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
CREATE TRIGGER ledger_close_balances_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_close_balances" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
CREATE TRIGGER settlement_rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON "settlement_rows" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
-- The day that is to be closed next, five minutes after its end; null when none is.
CREATE FUNCTION ledger_due_day() RETURNS date LANGUAGE sql AS $$
	SELECT day FROM (SELECT coalesce((SELECT max(day) + 1 FROM ledger_closes), (SELECT (min(at) AT TIME ZONE 'Asia/Tehran')::date FROM ledger_transactions)) AS day) AS next
	WHERE (day + 1)::timestamp AT TIME ZONE 'Asia/Tehran' <= now() - interval '5 minutes'
$$;
--> statement-breakpoint
-- Seals the next day, once: from then on nobody posts into it. It answers null when there is none, or while a posting takes long.
CREATE FUNCTION ledger_seal_day() RETURNS date LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
	due date := ledger_due_day();
BEGIN
	IF due IS NULL THEN
		RETURN NULL;
	END IF;
	BEGIN
		PERFORM pg_advisory_xact_lock(hashtextextended('ledger close', 0));
	EXCEPTION WHEN lock_not_available THEN
		RETURN NULL;
	END;
	due := ledger_due_day(); -- Another may have sealed it while this one waited.
	IF due IS NOT NULL THEN
		INSERT INTO ledger_closes (day, from_at, until_at) VALUES (due, due::timestamp AT TIME ZONE 'Asia/Tehran', (due + 1)::timestamp AT TIME ZONE 'Asia/Tehran');
	END IF;
	RETURN due;
END $$;
--> statement-breakpoint
-- Stores the sums and balances of a sealed day, once. Postings go on meanwhile: they are all of later days.
CREATE FUNCTION ledger_close_day(p_day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	c ledger_closes%ROWTYPE;
	first uuid;
	last uuid;
BEGIN
	SELECT * INTO c FROM ledger_closes WHERE day = p_day AND closed_at IS NULL FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	IF EXISTS (SELECT FROM ledger_closes WHERE day < p_day AND closed_at IS NULL) THEN
		RAISE EXCEPTION 'days are closed in their order' USING ERRCODE = 'KE034';
	END IF;
	SELECT (array_agg(id ORDER BY id))[1], (array_agg(id ORDER BY id DESC))[1] INTO first, last FROM ledger_transactions WHERE at >= c.from_at AND at < c.until_at;
	INSERT INTO ledger_close_balances (day, account, debit_rial, credit_rial, balance_rial)
		SELECT p_day, account, sum(debit)::bigint, sum(credit)::bigint, sum(balance)::bigint FROM (
			SELECT account, 0 AS debit, 0 AS credit, balance_rial AS balance FROM ledger_close_balances WHERE day = p_day - 1
			UNION ALL
			SELECT CASE WHEN e.account LIKE 'wallet:%' THEN 'wallets' ELSE e.account END, greatest(e.amount_rial, 0), greatest(-e.amount_rial, 0), e.amount_rial
			FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.at >= c.from_at AND t.at < c.until_at AND e.transaction_id BETWEEN first AND last
		) AS moved GROUP BY account;
	UPDATE ledger_closes SET closed_at = now(), (debit_rial, credit_rial) = (SELECT coalesce(sum(b.debit_rial), 0)::bigint, coalesce(sum(b.credit_rial), 0)::bigint FROM ledger_close_balances b WHERE b.day = p_day),
		transaction_count = (SELECT count(*) FROM ledger_transactions t WHERE t.at >= c.from_at AND t.at < c.until_at) WHERE day = p_day;
	RETURN true;
END $$;
--> statement-breakpoint
-- Each account at the end of a closed day, and with what was posted after it. Without a close it is everything there is.
-- The days tell how much there is to read, so that a plan made for other days is no plan for these.
CREATE FUNCTION ledger_trial_balance(p_closed date, p_with_later boolean) RETURNS TABLE (account text, balance_rial bigint) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
	since timestamptz := '-infinity';
	first uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
	IF p_closed IS NOT NULL THEN
		SELECT until_at INTO since FROM ledger_closes WHERE day = p_closed;
		-- No later transaction has a lesser id. Ids grow with time, so that the index leads to little more than the entries wanted.
		SELECT (array_agg(id ORDER BY id))[1] INTO first FROM ledger_transactions WHERE at >= since;
	END IF;
	RETURN QUERY SELECT account, sum(rial)::bigint FROM (
		SELECT b.account, b.balance_rial AS rial FROM ledger_close_balances b WHERE b.day = p_closed
		UNION ALL
		SELECT CASE WHEN e.account LIKE 'wallet:%' THEN 'wallets' ELSE e.account END, e.amount_rial
		FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.at >= since AND e.transaction_id >= first AND p_with_later
	) AS known GROUP BY account ORDER BY account;
END $$;
--> statement-breakpoint
-- Compares one file of a PSP with the ledger, all of it or nothing: each line with its verdict, each difference with its cause, and for
-- what agrees the money from the PSP's clearing account to the bank, once. It answers the import that this very file made.
-- The amounts of a line are whole Rial; of a foreign PSP cents, of which an attempt tells its own (terms.amountMinor).
CREATE FUNCTION payments_import_settlement(p_id uuid, p_psp text, p_day date, p_hash text, p_actor text, p_is_foreign boolean, p_rows jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	starts timestamptz := p_day::timestamp AT TIME ZONE 'Asia/Tehran';
	ends timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'Asia/Tehran';
	r record;
	a payment_attempts%ROWTYPE;
	f refunds%ROWTYPE;
	minor bigint; -- The whole attempt in the unit of the report.
	ledger_rial bigint;
	reported_rial bigint;
	fee bigint;
	settled boolean;
	verdict text;
	posted boolean;
BEGIN
	IF ends > now() THEN
		RAISE EXCEPTION 'this day is not over' USING ERRCODE = 'KE035';
	END IF;
	-- Two files of one PSP take turns, so that each sees what the other settled.
	PERFORM pg_advisory_xact_lock(hashtextextended('settlement ' || p_psp, 0));
	INSERT INTO settlement_imports (id, psp, day, content_hash, imported_by) VALUES (p_id, p_psp, p_day, p_hash, p_actor) ON CONFLICT (psp, content_hash) DO NOTHING;
	IF NOT FOUND THEN
		RETURN (SELECT id FROM settlement_imports WHERE psp = p_psp AND content_hash = p_hash);
	END IF;
	FOR r IN SELECT * FROM jsonb_to_recordset(p_rows) AS x(line int, kind text, reference text, token text, amount bigint, fee bigint, net bigint, fee_is_high boolean) ORDER BY x.line LOOP
		f := NULL;
		SELECT * INTO a FROM payment_attempts p WHERE p.psp = p_psp AND (p.psp_reference = r.reference OR p.psp_token IN (r.token, r.reference))
			ORDER BY (p.psp_reference = r.reference) DESC NULLS LAST LIMIT 1;
		IF r.kind = 'refund' THEN
			SELECT x.* INTO f FROM refunds x JOIN payment_attempts p ON p.id = x.attempt_id WHERE p.psp = p_psp AND x.status = 'succeeded' AND (x.attempt_id = a.id OR x.reference = r.reference)
				ORDER BY x.amount_rial <> r.amount AND NOT p_is_foreign, EXISTS (SELECT FROM ledger_transactions t WHERE t.kind = 'settlement-refund' AND t.business_ref = x.id), x.id LIMIT 1;
			IF f.id IS NOT NULL THEN
				SELECT * INTO a FROM payment_attempts p WHERE p.id = f.attempt_id;
			END IF;
		END IF;
		minor := CASE WHEN NOT p_is_foreign THEN a.amount_rial WHEN a.terms ->> 'amountMinor' ~ '^[1-9][0-9]{0,14}$' THEN (a.terms ->> 'amountMinor')::bigint END;
		ledger_rial := CASE r.kind WHEN 'refund' THEN f.amount_rial ELSE a.amount_rial END;
		reported_rial := CASE WHEN minor > 0 THEN round(r.amount::numeric * a.amount_rial / minor)::bigint WHEN NOT p_is_foreign THEN r.amount END;
		fee := CASE WHEN minor > 0 THEN round(r.fee::numeric * a.amount_rial / minor)::bigint WHEN NOT p_is_foreign THEN r.fee END;
		settled := EXISTS (SELECT FROM ledger_transactions t WHERE (t.kind = 'settlement' AND r.kind = 'payment' AND t.business_ref = a.id) OR (t.kind = 'settlement-refund' AND t.business_ref = f.id));
		verdict := CASE
			WHEN settled THEN 'duplicate-row'
			WHEN r.kind = 'payment' AND EXISTS (SELECT FROM settlement_rows s WHERE s.psp = p_psp AND s.kind = 'payment' AND s.reference = r.reference AND (a.id IS NULL OR s.import_id = p_id)) THEN 'duplicate-row'
			WHEN r.kind = 'refund' AND f.id IS NULL THEN 'refund-not-in-ledger'
			WHEN a.id IS NULL THEN 'not-in-ledger'
			WHEN a.status <> 'captured' THEN CASE WHEN EXISTS (SELECT FROM payment_intents i WHERE i.id = a.intent_id AND i.status IN ('expired', 'cancelled')) THEN 'dead-order' ELSE 'not-captured' END
			WHEN r.amount IS DISTINCT FROM round(ledger_rial::numeric * minor / a.amount_rial)::bigint THEN 'amount-differs'
			WHEN r.net IS DISTINCT FROM CASE r.kind WHEN 'refund' THEN r.amount + r.fee ELSE r.amount - r.fee END OR (r.kind = 'payment' AND r.fee >= r.amount) THEN 'sums-differ'
			WHEN r.fee_is_high THEN 'fee-too-high'
			ELSE 'matched' END;
		INSERT INTO settlement_rows (id, import_id, psp, line, kind, reference, amount_rial, fee_rial, attempt_id, refund_id, verdict)
			VALUES (uuidv7(), p_id, p_psp, r.line, r.kind, r.reference, reported_rial, fee, a.id, f.id, verdict);
		IF verdict <> 'matched' THEN
			INSERT INTO settlement_differences (id, import_id, psp, day, cause, line, reference, attempt_id, refund_id, reported_rial, ledger_rial, fee_rial)
				VALUES (uuidv7(), p_id, p_psp, p_day, verdict, r.line, r.reference, a.id, f.id, reported_rial, ledger_rial, fee);
		END IF;
		IF verdict IN ('matched', 'fee-too-high') THEN
			IF r.kind = 'refund' THEN
				posted := ledger_post('settlement-refund', f.id, f.order_id, ARRAY['clearing:' || p_psp, 'bank:settlements'] || CASE WHEN fee > 0 THEN ARRAY['fees:' || p_psp] ELSE '{}' END,
					ARRAY[ledger_rial, -ledger_rial - fee] || CASE WHEN fee > 0 THEN ARRAY[fee] ELSE '{}' END);
			ELSE
				posted := ledger_post('settlement', a.id, a.order_id, ARRAY['bank:settlements', 'clearing:' || p_psp] || CASE WHEN fee > 0 THEN ARRAY['fees:' || p_psp] ELSE '{}' END,
					ARRAY[ledger_rial - fee, -ledger_rial] || CASE WHEN fee > 0 THEN ARRAY[fee] ELSE '{}' END);
			END IF;
			IF NOT posted THEN
				RAISE EXCEPTION 'line % was settled by somebody else meanwhile', r.line USING ERRCODE = '40001';
			END IF;
		END IF;
	END LOOP;
	-- What the report lacks: captured or given back on this day, and in no file yet.
	INSERT INTO settlement_differences (id, import_id, psp, day, cause, reference, attempt_id, ledger_rial)
		SELECT uuidv7(), p_id, p_psp, p_day, 'not-in-report', p.psp_reference, p.id, p.amount_rial
		FROM ledger_transactions t JOIN payment_attempts p ON p.id = t.business_ref
		WHERE t.kind = 'capture' AND t.at >= starts AND t.at < ends AND p.psp = p_psp
			AND NOT EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'settlement' AND s.business_ref = p.id)
			AND NOT EXISTS (SELECT FROM settlement_rows s WHERE s.import_id = p_id AND s.kind = 'payment' AND s.attempt_id = p.id)
		ON CONFLICT DO NOTHING;
	INSERT INTO settlement_differences (id, import_id, psp, day, cause, reference, attempt_id, refund_id, ledger_rial)
		SELECT uuidv7(), p_id, p_psp, p_day, 'refund-not-in-report', x.reference, p.id, x.id, x.amount_rial
		FROM ledger_transactions t JOIN refunds x ON x.id = t.business_ref JOIN payment_attempts p ON p.id = x.attempt_id
		WHERE t.kind = 'staff-refund' AND t.at >= starts AND t.at < ends AND p.psp = p_psp
			AND NOT EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'settlement-refund' AND s.business_ref = x.id)
			AND NOT EXISTS (SELECT FROM settlement_rows s WHERE s.import_id = p_id AND s.kind = 'refund' AND s.refund_id = x.id)
		ON CONFLICT DO NOTHING;
	RETURN p_id;
END $$;
