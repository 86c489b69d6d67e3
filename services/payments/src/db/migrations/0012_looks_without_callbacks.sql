ALTER TABLE "payment_attempts" ADD COLUMN "refused_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD COLUMN "charged_before" timestamp with time zone;
--> statement-breakpoint
-- A bank that only verify can ask was asked before anybody paid: the customer is still there.
INSERT INTO "attempt_moves" VALUES ('verifying', 'redirected');
