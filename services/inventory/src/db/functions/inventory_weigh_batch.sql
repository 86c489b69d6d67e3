-- Freezes what is left of a batch when it is evident that it is bad: so many customers with a complaint that staff or the supplier found
-- true, or that was trusted. Others' complaints cost their senders next to nothing, so they only make it `doubtful`, for staff.
CREATE OR REPLACE FUNCTION inventory_weigh_batch(p_batch uuid, p_freeze_at integer) RETURNS text LANGUAGE plpgsql AS $$
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
