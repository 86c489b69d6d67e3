ALTER TABLE "products" ADD COLUMN "review" text DEFAULT 'approved' NOT NULL;--> statement-breakpoint
ALTER TABLE "products" ADD COLUMN "review_note" text;--> statement-breakpoint
ALTER TABLE "products" ADD COLUMN "reviewed_by" text;--> statement-breakpoint
ALTER TABLE "products" ADD COLUMN "proposal_number" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "products_proposals" ON "products" USING btree ("id") WHERE "products"."seller_id" is not null;--> statement-breakpoint
ALTER TABLE "products" ADD CONSTRAINT "products_reviewed" CHECK ("products"."review" = 'approved' or ("products"."seller_id" is not null and not "products"."is_published" and not "products"."is_featured"));--> statement-breakpoint
-- What goes to no account is delivered as a code: a card. Only credits go to one.
UPDATE "products" SET "type" = 'gift_card' WHERE "type" = 'game_credit' AND "account_rule" IS NULL;--> statement-breakpoint
UPDATE "products" SET "type" = 'game_credit' WHERE "type" <> 'game_credit' AND "account_rule" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "products" ADD CONSTRAINT "products_account_rule" CHECK (("products"."type" = 'game_credit') = ("products"."account_rule" is not null));
