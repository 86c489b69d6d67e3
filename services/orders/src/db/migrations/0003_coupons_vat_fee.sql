CREATE TABLE "cart_coupons" (
	"cart_id" uuid NOT NULL,
	"coupon_id" uuid NOT NULL,
	"added_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "cart_coupons_cart_id_coupon_id_pk" PRIMARY KEY("cart_id","coupon_id")
);
--> statement-breakpoint
CREATE TABLE "coupon_customers" (
	"coupon_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"used_count" integer NOT NULL,
	CONSTRAINT "coupon_customers_coupon_id_customer_id_pk" PRIMARY KEY("coupon_id","customer_id"),
	CONSTRAINT "coupon_customers_used" CHECK ("coupon_customers"."used_count" >= 0)
);
--> statement-breakpoint
CREATE TABLE "coupon_misses" (
	"source" text NOT NULL,
	"day" date NOT NULL,
	"count" integer NOT NULL,
	CONSTRAINT "coupon_misses_source_day_pk" PRIMARY KEY("source","day")
);
--> statement-breakpoint
CREATE TABLE "coupon_uses" (
	"coupon_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"discount_rial" bigint NOT NULL,
	"used_at" timestamp with time zone DEFAULT now() NOT NULL,
	"released_at" timestamp with time zone,
	CONSTRAINT "coupon_uses_coupon_id_order_id_pk" PRIMARY KEY("coupon_id","order_id"),
	CONSTRAINT "coupon_uses_discount" CHECK ("coupon_uses"."discount_rial" > 0)
);
--> statement-breakpoint
CREATE TABLE "coupons" (
	"id" uuid PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"percent_basis_points" integer,
	"discount_max_rial" bigint,
	"amount_rial" bigint,
	"is_first_order_only" boolean NOT NULL,
	"product_ids" uuid[] DEFAULT '{}' NOT NULL,
	"category_ids" uuid[] DEFAULT '{}' NOT NULL,
	"customer_ids" uuid[] DEFAULT '{}' NOT NULL,
	"order_min_rial" bigint NOT NULL,
	"is_stackable" boolean NOT NULL,
	"is_active" boolean NOT NULL,
	"starts_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ends_at" timestamp with time zone,
	"uses_max" integer,
	"customer_uses_max" integer,
	"used_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "coupons_code_unique" UNIQUE("code"),
	CONSTRAINT "coupons_kind" CHECK (("coupons"."percent_basis_points" is null) <> ("coupons"."amount_rial" is null) and ("coupons"."discount_max_rial" is null or "coupons"."amount_rial" is null)),
	CONSTRAINT "coupons_amounts" CHECK ("coupons"."percent_basis_points" between 1 and 10000 and "coupons"."discount_max_rial" > 0 and "coupons"."amount_rial" > 0 and "coupons"."order_min_rial" >= 0),
	CONSTRAINT "coupons_used" CHECK ("coupons"."used_count" >= 0 and "coupons"."used_count" <= "coupons"."uses_max" and "coupons"."uses_max" > 0 and "coupons"."customer_uses_max" > 0)
);
--> statement-breakpoint
ALTER TABLE "order_lines" DROP CONSTRAINT "order_lines_amounts";--> statement-breakpoint
ALTER TABLE "orders" DROP CONSTRAINT "orders_total";--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "discount_rial" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "vat_rial" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "order_lines" ADD COLUMN "refunded_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "vat_basis_points" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "fee_rial" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "cart_coupons" ADD CONSTRAINT "cart_coupons_cart_id_carts_id_fk" FOREIGN KEY ("cart_id") REFERENCES "public"."carts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cart_coupons" ADD CONSTRAINT "cart_coupons_coupon_id_coupons_id_fk" FOREIGN KEY ("coupon_id") REFERENCES "public"."coupons"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "coupon_customers" ADD CONSTRAINT "coupon_customers_coupon_id_coupons_id_fk" FOREIGN KEY ("coupon_id") REFERENCES "public"."coupons"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "coupon_uses" ADD CONSTRAINT "coupon_uses_coupon_id_coupons_id_fk" FOREIGN KEY ("coupon_id") REFERENCES "public"."coupons"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "coupon_uses" ADD CONSTRAINT "coupon_uses_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "coupon_uses_order" ON "coupon_uses" USING btree ("order_id");--> statement-breakpoint
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_amounts" CHECK ("order_lines"."quantity" > 0 and "order_lines"."unit_price_rial" > 0 and "order_lines"."delivered_count" between 0 and "order_lines"."quantity"
        and "order_lines"."refunded_count" between 0 and "order_lines"."quantity" and "order_lines"."vat_rial" >= 0
        and "order_lines"."discount_rial" between 0 and "order_lines"."unit_price_rial" * "order_lines"."quantity");--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_total" CHECK (("orders"."total_rial" >= 10000 or "orders"."total_rial" = 0) and "orders"."discount_rial" >= 0 and "orders"."vat_rial" >= 0 and "orders"."fee_rial" >= 0);--> statement-breakpoint
-- Only the functions below count uses; staff change nothing but a coupon's switch, end and limits.
REVOKE UPDATE, DELETE, TRUNCATE ON "coupons" FROM orders_app;
--> statement-breakpoint
GRANT UPDATE ("is_active", "ends_at", "uses_max", "customer_uses_max") ON "coupons" TO orders_app;
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "coupon_customers", "coupon_uses" FROM orders_app;
--> statement-breakpoint
CREATE FUNCTION coupons_begin_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.used_count := 0;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER coupons_begin_unused BEFORE INSERT ON "coupons" FOR EACH ROW EXECUTE FUNCTION coupons_begin_unused();
--> statement-breakpoint
-- I12: the limit is in the statement that counts, first of all, then of the customer. Whoever calls this rolls back what it raises.
-- An order that is promised its coupon (it was placed with it) minds the limits, but not that the coupon has ended since.
CREATE FUNCTION coupon_count_use(p_coupon uuid, p_order uuid, p_customer uuid, p_is_promised boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	c coupons%ROWTYPE;
BEGIN
	UPDATE coupons SET used_count = used_count + 1
		WHERE id = p_coupon AND (uses_max IS NULL OR used_count < uses_max)
			AND (p_is_promised OR is_active AND now() >= starts_at AND (ends_at IS NULL OR now() < ends_at))
		RETURNING * INTO c;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this coupon is over or used up' USING ERRCODE = 'KE004';
	END IF;
	INSERT INTO coupon_customers AS m (coupon_id, customer_id, used_count) VALUES (p_coupon, p_customer, 1)
		ON CONFLICT (coupon_id, customer_id) DO UPDATE SET used_count = m.used_count + 1
		WHERE c.customer_uses_max IS NULL OR m.used_count < c.customer_uses_max;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this customer has used the coupon up' USING ERRCODE = 'KE004';
	END IF;
	IF c.is_first_order_only AND EXISTS (
		SELECT FROM orders WHERE customer_id = p_customer AND id <> p_order AND status NOT IN ('cancelled', 'expired', 'refunded')
	) THEN
		RAISE EXCEPTION 'this is not the first order' USING ERRCODE = 'KE004';
	END IF;
END $$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION coupon_count_use FROM orders_app;
--> statement-breakpoint
-- One use for an order that is being placed, in the order's own transaction.
CREATE FUNCTION coupon_take(p_coupon uuid, p_order uuid, p_discount bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	customer uuid;
BEGIN
	SELECT customer_id INTO STRICT customer FROM orders WHERE id = p_order AND status = 'placing';
	PERFORM coupon_count_use(p_coupon, p_order, customer, false);
	INSERT INTO coupon_uses (coupon_id, order_id, customer_id, discount_rial) VALUES (p_coupon, p_order, customer, p_discount);
END $$;
--> statement-breakpoint
-- A dead order gives its uses back in the statement that kills it, so exactly once. One that was delivered in part is never 'refunded'
-- but 'part_refunded', and keeps them.
CREATE FUNCTION orders_release_coupons() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	u coupon_uses%ROWTYPE;
BEGIN
	FOR u IN SELECT * FROM coupon_uses WHERE order_id = NEW.id AND released_at IS NULL ORDER BY coupon_id LOOP
		UPDATE coupons SET used_count = used_count - 1 WHERE id = u.coupon_id;
		UPDATE coupon_customers SET used_count = used_count - 1 WHERE coupon_id = u.coupon_id AND customer_id = u.customer_id;
	END LOOP;
	UPDATE coupon_uses SET released_at = now() WHERE order_id = NEW.id AND released_at IS NULL;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER orders_release_coupons AFTER UPDATE OF "status" ON "orders" FOR EACH ROW
	WHEN (NEW.status IN ('cancelled', 'expired', 'refunded') AND NEW.status <> OLD.status) EXECUTE FUNCTION orders_release_coupons();
--> statement-breakpoint
-- Before late money makes an expired order paid, its uses are taken again. False when another order has the last one meanwhile: then
-- the order stays dead and its money is the customer's, as when its stock was sold; so no limit is ever passed and no money is lost.
-- The order's row stays locked either way, so that nothing moves between this answer and the payment.
CREATE FUNCTION order_retake_coupons(p_order uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	u coupon_uses%ROWTYPE;
BEGIN
	PERFORM FROM orders WHERE id = p_order AND status = 'expired' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN true;
	END IF;
	BEGIN
		FOR u IN SELECT * FROM coupon_uses WHERE order_id = p_order AND released_at IS NOT NULL ORDER BY coupon_id LOOP
			PERFORM coupon_count_use(u.coupon_id, p_order, u.customer_id, true);
		END LOOP;
		UPDATE coupon_uses SET released_at = NULL WHERE order_id = p_order;
		RETURN true;
	EXCEPTION WHEN SQLSTATE 'KE004' THEN
		RETURN false;
	END;
END $$;
--> statement-breakpoint
-- CK-6: an order adds up to the Rial, with its lines, whoever writes them. At the end of the transaction, for lines come after their order.
CREATE FUNCTION orders_check_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	order_of uuid := CASE WHEN TG_TABLE_NAME = 'orders' THEN (to_jsonb(NEW)->>'id')::uuid ELSE (to_jsonb(coalesce(NEW, OLD))->>'order_id')::uuid END;
BEGIN
	IF NOT EXISTS (
		SELECT FROM orders o, LATERAL (
			SELECT coalesce(sum(l.unit_price_rial * l.quantity), 0) AS goods, coalesce(sum(l.discount_rial), 0) AS discount, coalesce(sum(l.vat_rial), 0) AS vat
			FROM order_lines l WHERE l.order_id = o.id
		) s WHERE o.id = order_of AND o.discount_rial = s.discount AND o.vat_rial = s.vat AND o.total_rial = s.goods - s.discount + s.vat + o.fee_rial
	) THEN
		RAISE EXCEPTION 'the amounts of order % do not add up', order_of USING ERRCODE = 'KE005';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER orders_check_sum AFTER INSERT OR UPDATE OF "discount_rial", "vat_rial", "fee_rial", "total_rial" ON "orders"
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION orders_check_sum();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER order_lines_check_sum
	AFTER INSERT OR UPDATE OF "order_id", "quantity", "unit_price_rial", "discount_rial", "vat_rial" OR DELETE ON "order_lines"
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION orders_check_sum();
