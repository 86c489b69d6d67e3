-- Withdrawn once, for ever, and only what its customer has never seen. The row is locked before this looks, and a look waits for it.
-- Trigger on key_allocations, before an update.
CREATE OR REPLACE FUNCTION key_allocations_check() RETURNS trigger LANGUAGE plpgsql AS $$
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
