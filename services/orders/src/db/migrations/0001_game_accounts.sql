-- Two top-ups of one variant for two players are two items of a cart.
CREATE FUNCTION account_key_of(p_account jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(p_account->>'playerId', '') || '|' || coalesce(p_account->>'zone', '')
$$;
--> statement-breakpoint
ALTER TABLE "cart_items" DROP CONSTRAINT "cart_items_variant";--> statement-breakpoint
ALTER TABLE "cart_items" ADD COLUMN "game_account" jsonb;--> statement-breakpoint
ALTER TABLE "cart_items" ADD COLUMN "account_key" text GENERATED ALWAYS AS (account_key_of(game_account)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "game_account" jsonb;--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "releases_on" date;--> statement-breakpoint
ALTER TABLE "cart_items" ADD CONSTRAINT "cart_items_variant" UNIQUE("cart_id","variant_id","account_key");
