ALTER TABLE "products" ADD COLUMN "account_rule" text;--> statement-breakpoint
ALTER TABLE "variants" ADD COLUMN "releases_on" date;--> statement-breakpoint
ALTER TABLE "products" DROP COLUMN "needs_player_id";
--> statement-breakpoint
DROP TRIGGER catalog_derive_changed ON "variants";
--> statement-breakpoint
-- As before, and the day of release.
CREATE TRIGGER catalog_derive_changed AFTER UPDATE ON "variants" FOR EACH ROW
	WHEN ((OLD.price_rial, OLD.region, OLD.title, OLD.face_value, OLD.face_currency, OLD.position, OLD.releases_on) IS DISTINCT FROM (NEW.price_rial, NEW.region, NEW.title, NEW.face_value, NEW.face_currency, NEW.position, NEW.releases_on)
		OR OLD.can_supply <> NEW.can_supply OR (OLD.available_count = 0) <> (NEW.available_count = 0) OR (OLD.available_count <= 5) <> (NEW.available_count <= 5))
	EXECUTE FUNCTION catalog_derive_product();
