ALTER TABLE "monitor_marks" ALTER COLUMN "looked_until" SET DEFAULT '-infinity';--> statement-breakpoint
ALTER TABLE "monitor_marks" ADD COLUMN "due_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "attempt_history_lately" ON "attempt_history" USING btree ("at");
--> statement-breakpoint
-- Each invariant has a mark of its own now; the one of all begins none of them.
DELETE FROM "monitor_marks" WHERE "name" = 'ledger';
