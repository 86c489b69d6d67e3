CREATE TABLE "staff_audit" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"actor" text NOT NULL,
	"subject" text NOT NULL,
	"subject_id" text NOT NULL,
	"before" jsonb,
	"after" jsonb NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "transfer_numbers" (
	"tracking_number" text PRIMARY KEY NOT NULL,
	"attempt_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "transfers_tracking";--> statement-breakpoint
ALTER TABLE "transfers" ADD COLUMN "decided_by" text;--> statement-breakpoint
ALTER TABLE "transfer_numbers" ADD CONSTRAINT "transfer_numbers_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "staff_audit_subject" ON "staff_audit" USING btree ("subject","subject_id","id");--> statement-breakpoint
CREATE INDEX "transfer_numbers_attempt" ON "transfer_numbers" USING btree ("attempt_id");--> statement-breakpoint
ALTER TABLE "bank_accounts" ADD CONSTRAINT "bank_accounts_not_own" CHECK (('user:' || "bank_accounts"."customer_id"::text) <> all (array["bank_accounts"."decided_by"])) NOT VALID;--> statement-breakpoint
ALTER TABLE "customer_levels" ADD CONSTRAINT "customer_levels_not_own" CHECK (('user:' || "customer_levels"."customer_id"::text) <> all (array["customer_levels"."set_by"])) NOT VALID;--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD CONSTRAINT "payment_attempts_not_own" CHECK (('user:' || "payment_attempts"."customer_id"::text) <> all (array["payment_attempts"."proof" ->> 'foundBy'])) NOT VALID;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_not_own" CHECK (('user:' || "refunds"."customer_id"::text) <> all (array["refunds"."requested_by", "refunds"."approved_by", "refunds"."moved_by"])) NOT VALID;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_not_own" CHECK (('user:' || "transfers"."customer_id"::text) <> all (array["transfers"."approved_by", "transfers"."confirmed_by", "transfers"."decided_by"])) NOT VALID;--> statement-breakpoint
ALTER TABLE "withdrawals" ADD CONSTRAINT "withdrawals_not_own" CHECK (('user:' || "withdrawals"."customer_id"::text) <> all (array["withdrawals"."approved_by", "withdrawals"."confirmed_by"]) and ("withdrawals"."status" in ('requested', 'cancelled') or ('user:' || "withdrawals"."customer_id"::text) <> all (array["withdrawals"."moved_by"]))) NOT VALID;
--> statement-breakpoint
-- Numbers that were named before this table was there: the payment that it paid, else the first that named it.
INSERT INTO "transfer_numbers" (tracking_number, attempt_id, at)
	SELECT ltrim(tracking_number, '0'), attempt_id, submitted_at FROM transfers ORDER BY status <> 'approved', submitted_at ON CONFLICT DO NOTHING;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "transfer_numbers", "staff_audit" FROM payments_app;
--> statement-breakpoint
CREATE TRIGGER transfer_numbers_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON "transfer_numbers" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
CREATE TRIGGER staff_audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON "staff_audit" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
--> statement-breakpoint
-- Whoever names a transfer takes its number for ever, however it is named in the end. Five to a payment, so that nobody takes those of others by the hundred.
CREATE FUNCTION transfers_take_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO transfer_numbers (tracking_number, attempt_id) VALUES (ltrim(NEW.tracking_number, '0'), NEW.attempt_id) ON CONFLICT DO NOTHING;
	IF NOT EXISTS (SELECT FROM transfer_numbers WHERE tracking_number = ltrim(NEW.tracking_number, '0') AND attempt_id = NEW.attempt_id) THEN
		RAISE EXCEPTION 'this transfer was named for another payment' USING ERRCODE = 'unique_violation', CONSTRAINT = 'transfer_numbers_pkey';
	END IF;
	IF (SELECT count(*) FROM transfer_numbers WHERE attempt_id = NEW.attempt_id) > 5 THEN
		RAISE EXCEPTION 'too many numbers for one payment' USING ERRCODE = 'KE048';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER transfers_take_number BEFORE INSERT OR UPDATE OF "tracking_number" ON "transfers" FOR EACH ROW EXECUTE FUNCTION transfers_take_number();
--> statement-breakpoint
-- A payment in review is not ended by its own customer, whatever role they have (A64).
CREATE FUNCTION attempts_not_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'nobody ends the review of their own payment' USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_attempts_not_own';
END $$;
--> statement-breakpoint
CREATE TRIGGER attempts_not_own BEFORE UPDATE ON "payment_attempts" FOR EACH ROW
	WHEN (OLD.status = 'review' AND NEW.status <> 'review' AND NEW.moved_by = 'user:' || NEW.customer_id::text) EXECUTE FUNCTION attempts_not_own();
--> statement-breakpoint
-- What staff decide is written down in the transaction that does it, by whichever statement. Account numbers and names stay where they are.
CREATE FUNCTION staff_audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	old_row jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
	new_row jsonb := to_jsonb(NEW);
BEGIN
	INSERT INTO staff_audit (actor, subject, subject_id, before, after) VALUES (
		coalesce(new_row ->> 'decided_by', new_row ->> 'approved_by', new_row ->> 'set_by', new_row ->> 'changed_by', 'unknown'),
		TG_TABLE_NAME, coalesce(new_row ->> 'id', new_row ->> 'attempt_id', new_row ->> 'customer_id', new_row ->> 'psp'),
		old_row - 'sheba' - 'holder_name', new_row - 'sheba' - 'holder_name');
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER bank_accounts_audit AFTER UPDATE ON "bank_accounts" FOR EACH ROW EXECUTE FUNCTION staff_audit_write();
--> statement-breakpoint
CREATE TRIGGER customer_levels_audit AFTER INSERT OR UPDATE ON "customer_levels" FOR EACH ROW EXECUTE FUNCTION staff_audit_write();
--> statement-breakpoint
CREATE TRIGGER psp_settings_audit AFTER INSERT OR UPDATE ON "psp_settings" FOR EACH ROW EXECUTE FUNCTION staff_audit_write();
--> statement-breakpoint
CREATE TRIGGER transfers_audit AFTER UPDATE ON "transfers" FOR EACH ROW
	WHEN (NEW.status <> OLD.status OR NEW.approved_by IS DISTINCT FROM OLD.approved_by) EXECUTE FUNCTION staff_audit_write();
