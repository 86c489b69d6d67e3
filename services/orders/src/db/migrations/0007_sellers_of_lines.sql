ALTER TABLE "order_lines" ADD COLUMN "seller_id" uuid;--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "fulfilment_kind" text DEFAULT 'key' NOT NULL;--> statement-breakpoint
UPDATE "order_lines" SET "fulfilment_kind" = 'top_up' WHERE "game_account" IS NOT NULL;
