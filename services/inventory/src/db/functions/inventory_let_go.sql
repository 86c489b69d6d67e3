-- Ends a hold once: only the statement that moves it from held gives its units back. What was held of a batch that is frozen by now is not
-- for sale.
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
