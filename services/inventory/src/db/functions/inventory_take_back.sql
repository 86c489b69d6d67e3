-- Withdraws product keys from their lines and puts them back on the shelf; the unit stays counted as delivered, so nobody binds another to
-- it. What staff looked at meanwhile may have been told to somebody, and a receipt is a top-up that has happened: those are set aside.
CREATE OR REPLACE FUNCTION inventory_take_back(p_keys uuid[], p_reason text) RETURNS void LANGUAGE plpgsql AS $$
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
