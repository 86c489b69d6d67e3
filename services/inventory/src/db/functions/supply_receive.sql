-- Takes units of a supplier order in, each once: sealed keys into the vault and to the line that waits, the rest to stock. A unit whose
-- ciphertext is null was taken back by the supplier; one whose text is here already is a duplicate and stays uncounted as stock. Known is
-- also a code that is part of another unit, and, while the key of the index is being changed, one that is known under the key before it.
-- The receipt of a top-up that no line waits for is nothing to sell.
CREATE OR REPLACE FUNCTION supply_receive(p_procurement uuid, p_batch uuid, p_refs text[], p_ids uuid[], p_ciphertexts bytea[], p_blind bytea[], p_version smallint,
	p_previous bytea[], p_previous_version smallint, p_masked text[], p_kinds text[])
RETURNS TABLE (stored integer, duplicates integer) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	p procurements%ROWTYPE;
	need supply_needs%ROWTYPE;
	unit record;
	fresh uuid[] := '{}';
	stored_count integer := 0;
	duplicate_count integer := 0;
	settled integer := 0;
	bound integer := 0;
	useless integer := 0;
BEGIN
	SELECT n.* INTO need FROM procurements q JOIN supply_needs n ON n.order_line_id = q.order_line_id WHERE q.id = p_procurement;
	IF FOUND THEN
		PERFORM pg_advisory_xact_lock(hashtextextended(need.order_id::text, 0));
	END IF;
	SELECT * INTO p FROM procurements WHERE id = p_procurement AND status = 'placed' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 0, 0;
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('codes of ' || p.brand, 0));
	FOR unit IN SELECT * FROM unnest(p_refs, p_ids, p_ciphertexts, p_blind, p_previous, p_masked, p_kinds) AS u(ref, id, ciphertext, blind, previous, masked, kind) LOOP
		IF settled + p.settled_count >= p.quantity OR EXISTS (SELECT FROM supplied_units WHERE supplier = p.supplier AND unit_ref = unit.ref) THEN
			CONTINUE;
		END IF;
		settled := settled + 1;
		IF unit.ciphertext IS NULL THEN
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, verdict) VALUES (p.supplier, unit.ref, p.id, 'taken-back');
			CONTINUE;
		END IF;
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status)
			SELECT unit.id, p_batch, p.variant_id, p.brand, unit.ciphertext, unit.blind, p_version, unit.masked, unit.kind, 'available'
			WHERE NOT inventory_knows(p.brand, p_version, unit.blind, p_previous_version, unit.previous)
			ON CONFLICT (brand, blind_index_version, blind_index) DO NOTHING;
		IF FOUND THEN
			fresh := fresh || unit.id;
			stored_count := stored_count + 1;
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, key_id, verdict) VALUES (p.supplier, unit.ref, p.id, unit.id, 'stored');
		ELSE
			duplicate_count := duplicate_count + 1;
			INSERT INTO supplied_units (supplier, unit_ref, procurement_id, verdict) VALUES (p.supplier, unit.ref, p.id, 'duplicate');
		END IF;
	END LOOP;
	UPDATE procurements SET settled_count = settled_count + settled,
		status = CASE WHEN settled_count + settled = quantity THEN 'received' ELSE status END,
		-- All is here; one look more tells whether the supplier made two orders of it.
		due_at = CASE WHEN settled_count + settled = quantity THEN now() + interval '2 minutes' ELSE due_at END
		WHERE id = p.id;
	IF need.order_line_id IS NOT NULL THEN
		SELECT * INTO need FROM supply_needs WHERE order_line_id = need.order_line_id FOR NO KEY UPDATE;
		IF need.status = 'open' AND stored_count > 0 THEN
			bound := inventory_bind(need.order_id, need.customer_id, need.order_line_id, need.variant_id, need.quantity,
				fresh[1:greatest(supply_missing(need.order_line_id, need.quantity), 0)]);
			PERFORM supply_told(need, bound);
			PERFORM supply_close(need.order_line_id);
		END IF;
		-- What this order did not bring after all is bought elsewhere, now.
		UPDATE supply_needs SET due_at = now() WHERE order_line_id = need.order_line_id AND status = 'open' AND supply_uncovered(order_line_id, quantity) > 0;
	END IF;
	UPDATE product_keys SET status = 'quarantined' WHERE id = ANY (fresh) AND status = 'available' AND kind = 'receipt';
	GET DIAGNOSTICS useless = ROW_COUNT;
	PERFORM inventory_tell_stock(p.variant_id, stored_count - bound - useless);
	RETURN QUERY SELECT stored_count, duplicate_count;
END $$;
