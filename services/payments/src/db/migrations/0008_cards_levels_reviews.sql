CREATE TABLE "customer_cards" (
	"customer_id" uuid NOT NULL,
	"card_hash" text NOT NULL,
	"card_masked" text,
	"is_matched" boolean DEFAULT false NOT NULL,
	"first_paid_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_paid_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "customer_cards_customer_id_card_hash_pk" PRIMARY KEY("customer_id","card_hash")
);
--> statement-breakpoint
CREATE TABLE "customer_levels" (
	"customer_id" uuid PRIMARY KEY NOT NULL,
	"level" integer NOT NULL,
	"set_by" text NOT NULL,
	"reason" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "customer_levels_level" CHECK ("customer_levels"."level" between 0 and 2)
);
--> statement-breakpoint
REVOKE DELETE, TRUNCATE ON "customer_cards", "customer_levels" FROM payments_app;
--> statement-breakpoint
-- A person may decide what a program could not: found in the bank after all, or not, or gone back.
INSERT INTO "attempt_moves" VALUES ('review', 'verifying'), ('review', 'failed'), ('review', 'reversed');
--> statement-breakpoint
-- A card is known by its first captured payment, and its owner a step better where the PSP matched card and phone.
CREATE FUNCTION attempts_keep_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.card_hash IS NOT NULL THEN
		INSERT INTO customer_cards AS c (customer_id, card_hash, card_masked, is_matched)
			VALUES (NEW.customer_id, NEW.card_hash, NEW.card_masked, NEW.terms ? 'phoneMatched')
			ON CONFLICT (customer_id, card_hash) DO UPDATE SET last_paid_at = now(), is_matched = c.is_matched OR excluded.is_matched,
				card_masked = coalesce(excluded.card_masked, c.card_masked);
	END IF;
	IF NEW.terms ? 'phoneMatched' THEN
		INSERT INTO customer_levels AS l (customer_id, level, set_by, reason) VALUES (NEW.customer_id, 1, 'service:payments', 'card and phone belong together')
			ON CONFLICT (customer_id) DO UPDATE SET level = 1, set_by = excluded.set_by, reason = excluded.reason, set_at = now() WHERE l.level = 0 AND l.set_by NOT LIKE 'user:%';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER attempts_keep_card AFTER UPDATE OF "status" ON "payment_attempts" FOR EACH ROW
	WHEN (NEW.status = 'captured' AND OLD.status <> 'captured') EXECUTE FUNCTION attempts_keep_card();
--> statement-breakpoint
-- What a customer owes or has paid for orders today, by the calendar of Tehran, without this order.
CREATE FUNCTION payments_spent_today(p_customer uuid, p_order uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(amount_rial - refunded_rial), 0)::bigint FROM payment_intents WHERE customer_id = p_customer AND kind = 'order' AND status IN ('open', 'captured')
		AND order_id IS DISTINCT FROM p_order AND created_at >= date_trunc('day', now() AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran'
$$;
--> statement-breakpoint
-- Refuses an order above what its customer's level allows in a day. Two orders at once count each other; an intent that is there already stays.
CREATE FUNCTION payments_check_day_limit(p_customer uuid, p_order uuid, p_amount bigint, p_limits bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	allowed bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('day limit ' || p_customer, 0));
	IF EXISTS (SELECT FROM payment_intents WHERE order_id = p_order) THEN
		RETURN;
	END IF;
	allowed := p_limits[1 + coalesce((SELECT level FROM customer_levels WHERE customer_id = p_customer), 0)];
	IF payments_spent_today(p_customer, p_order) + p_amount > allowed THEN
		RAISE EXCEPTION 'above what may be bought in a day' USING ERRCODE = 'KE046', DETAIL = allowed;
	END IF;
END $$;
--> statement-breakpoint
CREATE FUNCTION payments_open_intent(p_id uuid, p_order uuid, p_number text, p_customer uuid, p_amount bigint, p_phone text, p_wallet_max bigint, p_limits bigint[])
RETURNS TABLE (id uuid, status text, amount_rial bigint, customer_id uuid, wallet_rial bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM payments_check_day_limit(p_customer, p_order, p_amount, p_limits);
	RETURN QUERY SELECT * FROM payments_open_intent(p_id, p_order, p_number, p_customer, p_amount, p_phone, p_wallet_max);
END $$;
