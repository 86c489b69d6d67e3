CREATE TABLE "transfers" (
	"attempt_id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid NOT NULL,
	"tracking_number" text NOT NULL,
	"card_last4" text NOT NULL,
	"status" text DEFAULT 'submitted' NOT NULL,
	"seen_rial" bigint,
	"approved_by" text,
	"confirmed_by" text,
	"reason" text,
	"submitted_at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	CONSTRAINT "transfers_two_people" CHECK ("transfers"."confirmed_by" is null or "transfers"."confirmed_by" <> "transfers"."approved_by")
);
--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_attempt_id_payment_attempts_id_fk" FOREIGN KEY ("attempt_id") REFERENCES "public"."payment_attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "transfers_tracking" ON "transfers" USING btree ("tracking_number") WHERE "transfers"."status" <> 'rejected';--> statement-breakpoint
CREATE INDEX "transfers_status" ON "transfers" USING btree ("status","attempt_id");--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "transfers" FROM payments_app;
