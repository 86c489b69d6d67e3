-- A customer's look and the withdrawal wait for each other on the allocation's row: what was withdrawn is never seen, and a product key
-- that was bound again is seen by its new customer only. Staff's look waits too: the withdrawal must know of it. Trigger on key_reveals,
-- before an insert.
CREATE OR REPLACE FUNCTION key_reveals_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM key_allocations WHERE key_id = NEW.key_id AND withdrawn_at IS NULL
		AND (NEW.actor LIKE 'staff:%' OR NEW.actor = 'user:' || customer_id) FOR SHARE;
	IF NOT FOUND AND NEW.actor NOT LIKE 'staff:%' THEN
		RAISE EXCEPTION 'this product key was withdrawn' USING ERRCODE = 'KE045';
	END IF;
	RETURN NEW;
END $$;
