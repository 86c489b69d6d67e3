-- The other direction of product_keys_check_move, at commit: a bound product key is allocated, a withdrawn one is not. An allocation whose
-- product key stayed for sale would be sold again. Constraint trigger on key_allocations, after an insert and a withdrawal.
CREATE OR REPLACE FUNCTION key_allocations_check_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT status = 'allocated' FROM product_keys WHERE id = NEW.key_id) <> EXISTS (SELECT FROM key_allocations WHERE key_id = NEW.key_id AND withdrawn_at IS NULL) THEN
		RAISE EXCEPTION 'an allocation needs its product key allocated in the same transaction' USING ERRCODE = 'KE012';
	END IF;
	RETURN NULL;
END $$;
