CREATE TABLE "psp_settings" (
	"psp" text PRIMARY KEY NOT NULL,
	"is_enabled" boolean NOT NULL,
	"reason" text NOT NULL,
	"changed_by" text NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD COLUMN "fallback_of" uuid;--> statement-breakpoint
CREATE INDEX "payment_attempts_recent" ON "payment_attempts" USING btree ("psp","created_at");--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD CONSTRAINT "payment_attempts_fallback_of_unique" UNIQUE("fallback_of");