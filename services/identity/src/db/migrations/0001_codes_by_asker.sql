ALTER TABLE "otp_challenges" ADD COLUMN "asker" text DEFAULT 'stranger' NOT NULL;--> statement-breakpoint
ALTER TABLE "otp_sends" ADD COLUMN "asker" text DEFAULT 'stranger' NOT NULL;
