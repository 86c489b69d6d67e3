CREATE TABLE "cart_items" (
	"id" uuid PRIMARY KEY NOT NULL,
	"cart_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"quantity" integer NOT NULL,
	CONSTRAINT "cart_items_variant" UNIQUE("cart_id","variant_id"),
	CONSTRAINT "cart_items_quantity" CHECK ("cart_items"."quantity" between 1 and 20)
);
--> statement-breakpoint
CREATE TABLE "carts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer_id" uuid,
	"token_hash" text,
	"merged_at" timestamp with time zone,
	"quote" jsonb,
	"quote_expires_at" timestamp with time zone,
	"order_count" integer DEFAULT 0 NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "carts_customer_id_unique" UNIQUE("customer_id"),
	CONSTRAINT "carts_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"actor_id" text NOT NULL,
	"operation" text NOT NULL,
	"key" text NOT NULL,
	"input_hash" text NOT NULL,
	"resource_id" uuid,
	"status" smallint,
	"answer" jsonb,
	"problem" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_actor_id_operation_key_pk" PRIMARY KEY("actor_id","operation","key")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"event_id" uuid NOT NULL,
	"consumer" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_event_id_consumer_pk" PRIMARY KEY("event_id","consumer")
);
--> statement-breakpoint
CREATE TABLE "order_history" (
	"id" uuid PRIMARY KEY DEFAULT uuidv7() NOT NULL,
	"order_id" uuid NOT NULL,
	"from_status" text,
	"to_status" text NOT NULL,
	"reason" text NOT NULL,
	"actor" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "order_lines" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"variant_id" uuid NOT NULL,
	"product_slug" text NOT NULL,
	"title" jsonb NOT NULL,
	"variant_title" jsonb NOT NULL,
	"region" text NOT NULL,
	"platform" text NOT NULL,
	"image" text,
	"quantity" integer NOT NULL,
	"unit_price_rial" bigint NOT NULL,
	"delivered_count" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "order_lines_amounts" CHECK ("order_lines"."quantity" > 0 and "order_lines"."unit_price_rial" > 0 and "order_lines"."delivered_count" between 0 and "order_lines"."quantity")
);
--> statement-breakpoint
CREATE TABLE "orders" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_number" text NOT NULL,
	"customer_id" uuid NOT NULL,
	"cart_id" uuid NOT NULL,
	"cart_order_count" integer NOT NULL,
	"status" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"discount_rial" bigint NOT NULL,
	"vat_rial" bigint NOT NULL,
	"total_rial" bigint NOT NULL,
	"psp" text NOT NULL,
	"contact" jsonb NOT NULL,
	"first_attempt_id" uuid NOT NULL,
	"paid_attempt_id" uuid,
	"idempotency_key" text NOT NULL,
	"reservation_round" integer DEFAULT 1 NOT NULL,
	"note" text,
	"placed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"hold_expires_at" timestamp with time zone NOT NULL,
	"paid_at" timestamp with time zone,
	"fulfilled_at" timestamp with time zone,
	"due_at" timestamp with time zone,
	CONSTRAINT "orders_order_number_unique" UNIQUE("order_number"),
	CONSTRAINT "orders_paid_attempt_id_unique" UNIQUE("paid_attempt_id"),
	CONSTRAINT "orders_total" CHECK ("orders"."total_rial" >= 10000 and "orders"."discount_rial" >= 0 and "orders"."vat_rial" >= 0)
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
ALTER TABLE "cart_items" ADD CONSTRAINT "cart_items_cart_id_carts_id_fk" FOREIGN KEY ("cart_id") REFERENCES "public"."carts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_history" ADD CONSTRAINT "order_history_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "carts_expiry" ON "carts" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "order_history_order" ON "order_history" USING btree ("order_id","id");--> statement-breakpoint
CREATE INDEX "order_lines_order" ON "order_lines" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "orders_due" ON "orders" USING btree ("due_at") WHERE "orders"."due_at" is not null;--> statement-breakpoint
CREATE INDEX "orders_of_customer" ON "orders" USING btree ("customer_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "orders_one_per_cart_state" ON "orders" USING btree ("cart_id","cart_order_count") WHERE "orders"."status" not in ('cancelled', 'expired');--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("id") WHERE "outbox"."sent_at" is null;--> statement-breakpoint
-- The order's state machine. A move that is not in this table is refused whoever tries it.
CREATE TABLE "order_moves" ("from_status" text NOT NULL, "to_status" text NOT NULL, PRIMARY KEY ("from_status", "to_status"));
--> statement-breakpoint
INSERT INTO "order_moves" VALUES
	('placing', 'pending_payment'), ('placing', 'cancelled'),
	('pending_payment', 'paid'), ('pending_payment', 'cancelled'), ('pending_payment', 'expired'),
	('expired', 'paid'),
	('paid', 'fulfilling'), ('paid', 'review'),
	('fulfilling', 'fulfilled'), ('fulfilling', 'part_fulfilled'), ('fulfilling', 'review'), ('fulfilling', 'refunding'),
	('part_fulfilled', 'fulfilled'), ('part_fulfilled', 'review'), ('part_fulfilled', 'refunding'),
	('review', 'fulfilling'), ('review', 'refunding'),
	('fulfilled', 'refunding'), ('refunding', 'refunded'), ('refunding', 'part_refunded');
--> statement-breakpoint
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON "order_moves" FROM orders_app;
--> statement-breakpoint
CREATE FUNCTION orders_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND NOT EXISTS (SELECT FROM order_moves WHERE from_status = OLD.status AND to_status = NEW.status) THEN
		RAISE EXCEPTION 'an order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE001';
	END IF;
	IF OLD.paid_attempt_id IS NOT NULL AND NEW.paid_attempt_id IS DISTINCT FROM OLD.paid_attempt_id THEN
		RAISE EXCEPTION 'an order is paid by one attempt' USING ERRCODE = 'KE002';
	END IF;
	IF NEW.total_rial <> OLD.total_rial OR NEW.customer_id <> OLD.customer_id THEN
		RAISE EXCEPTION 'the total and the owner of an order do not change' USING ERRCODE = 'KE003';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER orders_check_move BEFORE UPDATE ON "orders" FOR EACH ROW EXECUTE FUNCTION orders_check_move();
--> statement-breakpoint
-- One move: conditional, with its history row. Answers the new version, or null when the order was not in that status.
CREATE FUNCTION order_move(p_order uuid, p_from text[], p_to text, p_reason text, p_actor text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	was text;
	new_version integer;
BEGIN
	SELECT status INTO was FROM orders WHERE id = p_order AND status = ANY (p_from) FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	UPDATE orders SET status = p_to, version = version + 1,
		fulfilled_at = CASE WHEN p_to = 'fulfilled' THEN now() ELSE fulfilled_at END,
		-- When the sweep looks at it next: at its hold's end, soon while a key is owed, at once when it holds something it must let go.
		due_at = CASE
			WHEN p_to = 'pending_payment' THEN hold_expires_at
			WHEN p_to IN ('cancelled', 'expired') OR was = 'review' AND p_to = 'fulfilling' THEN now()
			WHEN p_to IN ('paid', 'fulfilling', 'part_fulfilled') THEN now() + interval '30 seconds'
		END
	WHERE id = p_order RETURNING version INTO new_version;
	INSERT INTO order_history (order_id, from_status, to_status, reason, actor) VALUES (p_order, was, p_to, p_reason, p_actor);
	RETURN new_version;
END $$;
--> statement-breakpoint
-- An order's first history row comes with the order, whoever makes it.
CREATE FUNCTION orders_begin_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO order_history (order_id, to_status, reason, actor) VALUES (NEW.id, NEW.status, 'checkout', 'user:' || NEW.customer_id);
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER orders_begin_history AFTER INSERT ON "orders" FOR EACH ROW EXECUTE FUNCTION orders_begin_history();
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "order_history" FROM orders_app;
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "orders" FROM orders_app;
