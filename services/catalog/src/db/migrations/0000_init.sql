CREATE TABLE "catalog_version" (
	"id" integer PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "categories" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"title" jsonb NOT NULL,
	"parent_id" uuid,
	"position" integer NOT NULL,
	CONSTRAINT "categories_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"event_id" uuid NOT NULL,
	"consumer" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_event_id_consumer_pk" PRIMARY KEY("event_id","consumer")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"claimed_until" timestamp with time zone,
	"sent_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "products" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"title" jsonb NOT NULL,
	"summary" jsonb NOT NULL,
	"description" jsonb NOT NULL,
	"activation_guide" jsonb NOT NULL,
	"type" text NOT NULL,
	"brand" text NOT NULL,
	"platform" text NOT NULL,
	"category_id" uuid NOT NULL,
	"aliases" text[] NOT NULL,
	"is_featured" boolean DEFAULT false NOT NULL,
	"is_published" boolean DEFAULT true NOT NULL,
	"needs_player_id" boolean DEFAULT false NOT NULL,
	"seller_id" uuid,
	"image" jsonb,
	"search_text" text NOT NULL,
	"from_price_rial" bigint,
	"regions" text[] DEFAULT '{}' NOT NULL,
	"is_in_stock" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "products_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "variants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"product_id" uuid NOT NULL,
	"sku" text NOT NULL,
	"title" jsonb NOT NULL,
	"region" text NOT NULL,
	"face_value" integer NOT NULL,
	"face_currency" text NOT NULL,
	"price_rial" bigint NOT NULL,
	"position" integer NOT NULL,
	"available_count" integer DEFAULT 0 NOT NULL,
	"can_supply" boolean DEFAULT false NOT NULL,
	"stock_told_at" timestamp with time zone,
	CONSTRAINT "variants_sku_unique" UNIQUE("sku"),
	CONSTRAINT "variants_price" CHECK ("variants"."price_rial" >= 10000)
);
--> statement-breakpoint
ALTER TABLE "categories" ADD CONSTRAINT "categories_parent_id_categories_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."categories"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "products" ADD CONSTRAINT "products_category_id_categories_id_fk" FOREIGN KEY ("category_id") REFERENCES "public"."categories"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "variants" ADD CONSTRAINT "variants_product_id_products_id_fk" FOREIGN KEY ("product_id") REFERENCES "public"."products"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("id") WHERE "outbox"."sent_at" is null;--> statement-breakpoint
CREATE INDEX "products_search" ON "products" USING gin ("search_text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "products_category" ON "products" USING btree ("category_id");--> statement-breakpoint
CREATE INDEX "products_price" ON "products" USING btree ("from_price_rial","id") WHERE "products"."is_published";--> statement-breakpoint
CREATE INDEX "variants_product" ON "variants" USING btree ("product_id");--> statement-breakpoint
INSERT INTO "catalog_version" VALUES (1, 1);
--> statement-breakpoint
-- What lists show of a product's variants is derived here, in the transaction that changed them.
CREATE FUNCTION catalog_derive_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- First the product's lock, then a fresh look: two variants that change at once are both counted.
	PERFORM FROM products WHERE id = NEW.product_id FOR NO KEY UPDATE;
	UPDATE products p SET from_price_rial = v.from_price, regions = v.regions, is_in_stock = v.in_stock, updated_at = now()
	FROM (SELECT min(price_rial) AS from_price, array_agg(DISTINCT region ORDER BY region) AS regions, bool_or(available_count > 0 OR can_supply) AS in_stock
		FROM variants WHERE product_id = NEW.product_id) v
	WHERE p.id = NEW.product_id;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER catalog_derive_new AFTER INSERT ON "variants" FOR EACH ROW EXECUTE FUNCTION catalog_derive_product();
--> statement-breakpoint
-- Only what shoppers see makes cached answers stale: a count that stays on its side of the marks (none, few, enough) does not.
CREATE TRIGGER catalog_derive_changed AFTER UPDATE ON "variants" FOR EACH ROW
	WHEN ((OLD.price_rial, OLD.region, OLD.title, OLD.face_value, OLD.face_currency, OLD.position) IS DISTINCT FROM (NEW.price_rial, NEW.region, NEW.title, NEW.face_value, NEW.face_currency, NEW.position)
		OR OLD.can_supply <> NEW.can_supply OR (OLD.available_count = 0) <> (NEW.available_count = 0) OR (OLD.available_count <= 5) <> (NEW.available_count <= 5))
	EXECUTE FUNCTION catalog_derive_product();
--> statement-breakpoint
CREATE FUNCTION catalog_bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE catalog_version SET version = version + 1 WHERE id = 1;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER catalog_bump_version AFTER INSERT OR UPDATE OR DELETE ON "products" FOR EACH STATEMENT EXECUTE FUNCTION catalog_bump_version();
--> statement-breakpoint
CREATE TRIGGER catalog_bump_version AFTER INSERT OR UPDATE OR DELETE ON "categories" FOR EACH STATEMENT EXECUTE FUNCTION catalog_bump_version();
--> statement-breakpoint
-- A category never becomes its own ancestor, whoever writes.
CREATE FUNCTION catalog_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.parent_id IS NOT NULL AND EXISTS (
		WITH RECURSIVE above AS (SELECT id, parent_id FROM categories WHERE id = NEW.parent_id UNION SELECT c.id, c.parent_id FROM categories c JOIN above a ON c.id = a.parent_id)
		SELECT FROM above WHERE id = NEW.id
	) THEN
		RAISE EXCEPTION 'a category cannot be below itself' USING ERRCODE = 'KE031';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER catalog_refuse_cycle BEFORE INSERT OR UPDATE OF parent_id ON "categories" FOR EACH ROW EXECUTE FUNCTION catalog_refuse_cycle();
