CREATE TABLE "line_values" (
	"order_line_id" uuid PRIMARY KEY NOT NULL,
	"unit_rial" bigint NOT NULL,
	CONSTRAINT "line_values_unit" CHECK ("line_values"."unit_rial" > 0)
);
--> statement-breakpoint
ALTER TABLE "key_allocations" DROP CONSTRAINT "key_allocations_pkey";--> statement-breakpoint
ALTER TABLE "complaints" ADD COLUMN "value_rial" bigint;--> statement-breakpoint
ALTER TABLE "complaints" ADD COLUMN "is_trusted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "key_batches" ADD COLUMN "frozen_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "key_batches" ADD COLUMN "opened_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "complaints_by_rules" ON "complaints" USING btree ("decided_at") WHERE "complaints"."decided_by" = 'rules';--> statement-breakpoint
CREATE UNIQUE INDEX "key_allocations_once" ON "key_allocations" USING btree ("key_id") WHERE "key_allocations"."withdrawn_at" is null;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "line_values" FROM inventory_app;
--> statement-breakpoint
-- A product key's way. From allocated only one leads back: its allocation was withdrawn, which key_allocations_check allows only unseen.
CREATE OR REPLACE FUNCTION product_keys_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
		('available', 'reserved'), ('available', 'allocated'), ('available', 'quarantined'), ('available', 'expired'), ('available', 'void'),
		('reserved', 'available'), ('reserved', 'allocated'), ('quarantined', 'available'), ('quarantined', 'void'), ('expired', 'void'),
		('reserved', 'quarantined'), ('allocated', 'available'), ('allocated', 'quarantined')
	) THEN
		RAISE EXCEPTION 'a product key cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE011';
	END IF;
	IF OLD.status = 'allocated' AND NEW.status <> 'allocated' AND EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.id AND withdrawn_at IS NULL) THEN
		RAISE EXCEPTION 'a sold product key cannot go from allocated to %', NEW.status USING ERRCODE = 'KE011';
	END IF;
	IF NEW.status = 'allocated' AND NOT EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.id AND withdrawn_at IS NULL) THEN
		RAISE EXCEPTION 'a product key is allocated only with its allocation' USING ERRCODE = 'KE012';
	END IF;
	IF NEW.variant_id <> OLD.variant_id OR NEW.batch_id <> OLD.batch_id OR NEW.brand <> OLD.brand THEN
		RAISE EXCEPTION 'a product key stays what it is' USING ERRCODE = 'KE013';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
-- Withdrawn once, for ever, and only what its customer has never seen. The row is locked before this looks, and a look waits for it.
CREATE FUNCTION key_allocations_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
		RAISE EXCEPTION 'a withdrawn allocation stays withdrawn' USING ERRCODE = 'KE046';
	END IF;
	IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
		AND EXISTS (SELECT FROM key_reveals WHERE key_id = NEW.key_id AND actor NOT LIKE 'staff:%') THEN
		RAISE EXCEPTION 'a product key that was seen is not withdrawn' USING ERRCODE = 'KE046';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER key_allocations_check BEFORE UPDATE ON "key_allocations" FOR EACH ROW EXECUTE FUNCTION key_allocations_check();
--> statement-breakpoint
-- At commit, in both directions: a bound product key is allocated, a withdrawn one is not.
CREATE OR REPLACE FUNCTION key_allocations_check_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT status = 'allocated' FROM product_keys WHERE id = NEW.key_id) <> EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.key_id AND withdrawn_at IS NULL) THEN
		RAISE EXCEPTION 'an allocation needs its product key allocated in the same transaction' USING ERRCODE = 'KE012';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER key_allocations_check_withdrawn AFTER UPDATE OF "withdrawn_at" ON "key_allocations" DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION key_allocations_check_key();
--> statement-breakpoint
-- A customer's look and the withdrawal wait for each other on the allocation's row: what was withdrawn is never seen, and a product key
-- that was bound again is seen by its new customer only. Staff's look waits too: the withdrawal must know of it.
CREATE OR REPLACE FUNCTION key_reveals_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM key_allocations WHERE key_id = NEW.key_id AND withdrawn_at IS NULL
		AND (NEW.actor LIKE 'staff:%' OR NEW.actor = 'user:' || customer_id) FOR SHARE;
	IF NOT FOUND AND NEW.actor NOT LIKE 'staff:%' THEN
		RAISE EXCEPTION 'this product key was withdrawn' USING ERRCODE = 'KE045';
	END IF;
	RETURN NEW;
END $$;
--> statement-breakpoint
-- Withdraws product keys from their lines and puts them back on the shelf; the unit stays counted as delivered, so nobody binds another to
-- it. What staff looked at meanwhile may have been told to somebody, and a receipt is a top-up that has happened: those are set aside.
CREATE FUNCTION inventory_take_back(p_keys uuid[], p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	freed record;
BEGIN
	UPDATE key_allocations SET withdrawn_at = now() WHERE key_id = ANY (p_keys) AND withdrawn_at IS NULL;
	FOR freed IN WITH found AS MATERIALIZED (
		SELECT k.id, k.variant_id, k.kind = 'receipt' OR EXISTS (SELECT FROM key_reveals r WHERE r.key_id = k.id
				AND r.at >= (SELECT max(allocated_at) FROM key_allocations WHERE key_id = k.id)) AS is_spent, b.frozen_at IS NOT NULL AS is_frozen
			FROM product_keys k JOIN key_batches b ON b.id = k.batch_id WHERE k.id = ANY (p_keys) ORDER BY k.id),
		moved AS (UPDATE product_keys k SET status = CASE WHEN f.is_spent OR f.is_frozen THEN 'quarantined' ELSE 'available' END
			FROM found f WHERE k.id = f.id AND k.status = 'allocated' RETURNING k.id, k.variant_id, k.status, f.is_frozen AND NOT f.is_spent AS opens),
		audited AS (INSERT INTO key_audit (id, key_id, actor, from_status, to_status, reason)
			SELECT uuidv7(), id, 'rules', 'allocated', status, CASE WHEN opens THEN 'batch frozen: ' ELSE '' END || p_reason FROM moved)
		SELECT variant_id, count(*) FILTER (WHERE status = 'available')::integer AS units FROM moved GROUP BY 1 ORDER BY 1
	LOOP
		PERFORM inventory_tell_stock(freed.variant_id, freed.units);
	END LOOP;
END $$;
--> statement-breakpoint
-- As before; what was held of a batch that is frozen by now is not for sale either.
CREATE OR REPLACE FUNCTION inventory_let_go(p_reservation uuid, p_to text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	freed record;
BEGIN
	UPDATE reservations SET status = p_to WHERE id = p_reservation AND status = 'held' AND (p_to <> 'expired' OR expires_at <= now());
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	FOR freed IN WITH back AS (
		UPDATE product_keys k SET status = CASE WHEN b.frozen_at IS NULL THEN 'available' ELSE 'quarantined' END, reservation_id = NULL
			FROM key_batches b WHERE b.id = k.batch_id AND k.reservation_id = p_reservation AND k.status = 'reserved' RETURNING k.id, k.variant_id, k.status),
		audited AS (INSERT INTO key_audit (id, key_id, actor, from_status, to_status, reason)
			SELECT uuidv7(), id, 'rules', 'reserved', status, 'batch frozen: it was held' FROM back WHERE status = 'quarantined')
		SELECT variant_id, count(*) FILTER (WHERE status = 'available')::integer AS units FROM back GROUP BY 1 ORDER BY 1
	LOOP
		PERFORM inventory_tell_stock(freed.variant_id, freed.units);
	END LOOP;
	RETURN true;
END $$;
--> statement-breakpoint
-- As before, and what is closed unseen goes back to stock. Keys of this order that others hold by now are not its own any more.
CREATE OR REPLACE FUNCTION inventory_withdraw_keys(p_order uuid, p_revealed_max integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	revealed integer;
BEGIN
	PERFORM FROM key_allocations WHERE order_id = p_order AND withdrawn_at IS NULL ORDER BY key_id FOR NO KEY UPDATE;
	SELECT count(*) INTO revealed FROM key_allocations a WHERE a.order_id = p_order AND a.withdrawn_at IS NULL
		AND EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%');
	IF revealed <= p_revealed_max THEN
		PERFORM inventory_take_back(ARRAY(SELECT a.key_id FROM key_allocations a WHERE a.order_id = p_order AND a.withdrawn_at IS NULL
			AND NOT EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor NOT LIKE 'staff:%')), 'withdrawn unseen for a refund');
	END IF;
	RETURN revealed;
END $$;
--> statement-breakpoint
-- Keys that were withdrawn before this could go back: set aside, for staff to look at.
WITH moved AS (UPDATE product_keys SET status = 'quarantined' WHERE status = 'allocated'
	AND id IN (SELECT key_id FROM key_allocations WHERE withdrawn_at IS NOT NULL) RETURNING id)
INSERT INTO key_audit (id, key_id, actor, from_status, to_status, reason)
	SELECT uuidv7(), id, 'rules', 'allocated', 'quarantined', 'withdrawn unseen for a refund' FROM moved;
--> statement-breakpoint
-- As before; the key is looked for by its living allocation.
CREATE OR REPLACE FUNCTION inventory_replace(p_key uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	bad key_allocations%ROWTYPE;
	fresh uuid;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key AND withdrawn_at IS NULL;
	PERFORM pg_advisory_xact_lock(hashtextextended(bad.order_id::text, 0));
	SELECT id INTO fresh FROM product_keys WHERE variant_id = bad.variant_id AND status = 'available' AND (expires_at IS NULL OR expires_at > now())
		-- Another batch first: what is wrong with one key is often wrong with its neighbours.
		ORDER BY batch_id = (SELECT batch_id FROM product_keys WHERE id = p_key), expires_at NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF fresh IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO key_allocations (key_id, order_line_id, unit_no, replacement_no, order_id, customer_id, variant_id)
		VALUES (fresh, bad.order_line_id, bad.unit_no, bad.replacement_no + 1, bad.order_id, bad.customer_id, bad.variant_id);
	UPDATE product_keys SET status = 'allocated' WHERE id = fresh AND status = 'available';
	PERFORM inventory_tell_stock(bad.variant_id, -1);
	RETURN fresh;
END $$;
--> statement-breakpoint
-- What a customer has bought in other orders, looked at and kept without a complaint for so many days: the worth of its good name.
CREATE FUNCTION complaint_good_rial(p_customer uuid, p_order uuid, p_days integer) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(v.unit_rial), 0)::bigint FROM key_allocations a JOIN line_values v ON v.order_line_id = a.order_line_id
	WHERE a.customer_id = p_customer AND a.order_id <> p_order AND a.replacement_no = 0 AND a.withdrawn_at IS NULL
		AND EXISTS (SELECT FROM key_reveals r WHERE r.key_id = a.key_id AND r.actor = 'user:' || p_customer AND r.at < now() - make_interval(days => p_days))
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.key_id = a.key_id)
$$;
--> statement-breakpoint
-- What the rules have given away on complaints since then, to one customer or to all; it is counted under the lock of inventory_complain.
CREATE FUNCTION complaint_given_rial(p_customer uuid, p_since timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT coalesce(sum(value_rial), 0)::bigint FROM complaints
	WHERE decided_by = 'rules' AND status IN ('replaced', 'refunded') AND decided_at > p_since AND (p_customer IS NULL OR customer_id = p_customer)
$$;
--> statement-breakpoint
-- Freezes what is left of a batch when it is evident that it is bad: so many customers with a complaint that staff or the supplier found
-- true, or that was trusted. Others' complaints cost their senders next to nothing, so they only make it `doubtful`, for staff.
CREATE FUNCTION inventory_weigh_batch(p_batch uuid, p_freeze_at integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	batch key_batches%ROWTYPE;
	evident integer;
	heard integer;
	frozen integer;
BEGIN
	SELECT * INTO batch FROM key_batches WHERE id = p_batch FOR NO KEY UPDATE;
	SELECT count(DISTINCT c.customer_id) FILTER (WHERE c.is_trusted OR c.status IN ('replaced', 'refunded') AND c.decided_by <> 'rules' OR s.status = 'granted'),
		count(DISTINCT c.customer_id) INTO evident, heard
		FROM complaints c LEFT JOIN supplier_claims s ON s.complaint_id = c.id
		WHERE c.batch_id = p_batch AND c.status <> 'rejected' AND (batch.opened_at IS NULL OR c.created_at > batch.opened_at);
	IF evident < p_freeze_at THEN
		RETURN CASE WHEN heard >= p_freeze_at THEN 'doubtful' ELSE 'fine' END;
	END IF;
	UPDATE key_batches SET frozen_at = now() WHERE id = p_batch AND frozen_at IS NULL;
	WITH moved AS (UPDATE product_keys SET status = 'quarantined' WHERE batch_id = p_batch AND status = 'available' RETURNING id),
	audited AS (INSERT INTO key_audit (id, key_id, actor, from_status, to_status, reason)
		SELECT uuidv7(), id, 'rules', 'available', 'quarantined', 'batch frozen: complaints that are evident' FROM moved)
	SELECT count(*) INTO frozen FROM moved;
	PERFORM inventory_tell_stock(batch.variant_id, -frozen);
	RETURN CASE WHEN frozen > 0 OR batch.frozen_at IS NULL THEN 'frozen' ELSE 'fine' END;
END $$;
--> statement-breakpoint
DROP FUNCTION inventory_complain(uuid, uuid, uuid, uuid, text, text);
--> statement-breakpoint
-- Takes a complaint in and decides it where the rules can. A fresh and first complaint of somebody who has looked at the key is replaced
-- at once, or refunded where neither stock nor a supplier has another, only up to the value of p_rules, only to a customer whose good name
-- is worth it, and only while the totals allow it: of the customer in a year, of all in a day and in 30 days. Anything else is a person's.
-- The same complaint again changes nothing. What a supplier sold is to be claimed from it.
CREATE FUNCTION inventory_complain(p_id uuid, p_key uuid, p_order uuid, p_customer uuid, p_reason text, p_note text, p_rules jsonb)
RETURNS TABLE (status text, is_new boolean, is_over_total boolean, batch_verdict text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	bad key_allocations%ROWTYPE;
	batch uuid;
	worth bigint;
	trusted boolean;
	over boolean := false;
	fresh uuid;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key AND order_id = p_order AND customer_id = p_customer AND withdrawn_at IS NULL;
	SELECT batch_id INTO batch FROM product_keys WHERE id = bad.key_id;
	INSERT INTO complaints (id, key_id, order_id, customer_id, batch_id, reason, note) VALUES (p_id, bad.key_id, p_order, p_customer, batch, p_reason, p_note)
		ON CONFLICT (key_id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN QUERY SELECT c.status, false, false, 'fine' FROM complaints c WHERE c.key_id = p_key;
		RETURN;
	END IF;
	INSERT INTO supplier_claims (complaint_id, procurement_id, supplier, unit_ref, delivered_at)
		SELECT p_id, u.procurement_id, u.supplier, u.unit_ref, u.at FROM supplied_units u WHERE u.key_id = p_key AND p_reason <> 'not-active-yet';
	-- One complaint after another, so that two at once neither both count as the first nor both find the same room in a total.
	PERFORM pg_advisory_xact_lock(hashtextextended('complaints', 0));
	worth := (SELECT unit_rial FROM line_values WHERE order_line_id = bad.order_line_id);
	trusted := worth IS NOT NULL AND complaint_good_rial(p_customer, p_order, (p_rules->>'goodDays')::integer)
		>= worth + complaint_given_rial(p_customer, '-infinity');
	UPDATE complaints SET value_rial = worth, is_trusted = trusted WHERE id = p_id;
	IF trusted AND worth <= (p_rules->>'unitMaxRial')::bigint
		AND p_reason <> 'not-active-yet' AND bad.replacement_no = 0 AND bad.allocated_at > now() - interval '72 hours'
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.customer_id = p_customer AND c.id <> p_id AND c.created_at > now() - interval '30 days')
		AND worth + complaint_given_rial(p_customer, now() - interval '365 days') <= (p_rules->>'customerYearMaxRial')::bigint THEN
		over := worth + complaint_given_rial(NULL, now() - interval '24 hours') > (p_rules->>'dayMaxRial')::bigint
			OR worth + complaint_given_rial(NULL, now() - interval '30 days') > (p_rules->>'monthMaxRial')::bigint;
		IF NOT over THEN
			fresh := inventory_replace(p_key);
			IF fresh IS NOT NULL THEN
				UPDATE complaints SET status = 'replaced', replacement_key_id = fresh, decided_by = 'rules', decision = 'first complaint, fresh key', decided_at = now() WHERE id = p_id;
			ELSIF NOT supply_can(bad.variant_id, 1) THEN
				UPDATE complaints SET status = 'refunded', decided_by = 'rules', decision = 'first complaint, no fresh key to be had', decided_at = now() WHERE id = p_id;
				INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'key.refund-due', jsonb_build_object(
					'complaintId', p_id, 'orderId', p_order, 'orderLineId', bad.order_line_id, 'keyId', p_key));
			END IF;
		END IF;
	END IF;
	RETURN QUERY SELECT c.status, true, over, inventory_weigh_batch(batch, (p_rules->>'freezeAt')::integer) FROM complaints c WHERE c.id = p_id;
END $$;
--> statement-breakpoint
-- As before; an import of which no line is good leaves no batch.
CREATE OR REPLACE FUNCTION inventory_store_import(p_import uuid, p_previous_version smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	i key_imports%ROWTYPE;
	good integer;
	duplicates integer;
	invalid integer;
	stored integer;
BEGIN
	SELECT * INTO i FROM key_imports WHERE id = p_import AND status = 'storing' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- Units of several codes are compared across two tables; nobody else of this brand writes meanwhile.
	IF i.line_format = 'codes' THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('codes of ' || i.brand, 0));
		UPDATE key_import_lines l SET problem = 'duplicate-in-file' FROM (
			SELECT DISTINCT later.line FROM key_import_lines later CROSS JOIN unnest(later.blind_index || later.more_indexes) AS code
				JOIN LATERAL (SELECT earlier.line FROM key_import_lines earlier WHERE earlier.import_id = p_import AND earlier.problem IS NULL
					AND earlier.line < later.line AND code = ANY (earlier.blind_index || earlier.more_indexes) LIMIT 1) AS same ON true
			WHERE later.import_id = p_import AND later.problem IS NULL) AS twice
			WHERE l.import_id = p_import AND l.line = twice.line;
	ELSE
		PERFORM pg_advisory_xact_lock_shared(hashtextextended('codes of ' || i.brand, 0));
	END IF;
	UPDATE key_import_lines l SET problem = 'duplicate-in-stock' WHERE l.import_id = p_import AND l.problem IS NULL AND (
		inventory_knows(i.brand, l.blind_index_version, l.blind_index, p_previous_version, l.previous_index)
		OR EXISTS (SELECT FROM unnest(l.more_indexes) AS code WHERE inventory_knows(i.brand, l.blind_index_version, code, NULL, NULL)));
	SELECT count(*) FILTER (WHERE problem IS NULL), count(*) FILTER (WHERE problem IN ('duplicate-in-file', 'duplicate-in-stock')),
		count(*) FILTER (WHERE problem IN ('empty', 'malformed', 'unexpected-format')) INTO good, duplicates, invalid FROM key_import_lines WHERE import_id = p_import;
	IF good > 0 AND NOT i.is_dry_run AND (i.on_duplicate = 'skip' OR duplicates + invalid = 0) THEN
		INSERT INTO key_batches (id, variant_id, brand, label, import_id, wrapped_dek, kek_id, imported_count, duplicate_count, invalid_count, unit_cost_rial, expires_at, created_by)
			VALUES (i.id, i.variant_id, i.brand, i.label, i.id, i.wrapped_dek, i.kek_id, good, duplicates, invalid, i.unit_cost_rial, i.expires_at, i.created_by);
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status, expires_at)
			SELECT key_id, i.id, i.variant_id, i.brand, ciphertext, blind_index, blind_index_version, masked, kind, 'available', i.expires_at
			FROM key_import_lines WHERE import_id = p_import AND problem IS NULL ORDER BY line;
		INSERT INTO product_key_codes (brand, blind_index_version, blind_index, key_id, position)
			SELECT i.brand, l.blind_index_version, code.index, l.key_id, code.position FROM key_import_lines l
			CROSS JOIN unnest(l.more_indexes) WITH ORDINALITY AS code(index, position) WHERE l.import_id = p_import AND l.problem IS NULL;
		PERFORM inventory_tell_stock(i.variant_id, good);
		stored := good;
	END IF;
	UPDATE key_imports SET status = CASE WHEN i.is_dry_run THEN 'checked' WHEN i.on_duplicate = 'reject' AND duplicates + invalid > 0 THEN 'refused' ELSE 'done' END,
		imported_count = CASE WHEN i.is_dry_run THEN good ELSE coalesce(stored, 0) END, duplicate_count = duplicates, invalid_count = invalid, due_at = now() + interval '30 days'
		WHERE id = p_import;
	DELETE FROM key_import_lines WHERE import_id = p_import AND problem IS NULL;
	UPDATE key_import_lines SET ciphertext = NULL, blind_index = NULL, previous_index = NULL, more_indexes = NULL WHERE import_id = p_import;
END $$;
