ALTER TABLE "payment_attempts" ADD COLUMN "redirect_fields" jsonb;--> statement-breakpoint
ALTER TABLE "payment_attempts" ADD COLUMN "terms" jsonb DEFAULT '{}'::jsonb NOT NULL;