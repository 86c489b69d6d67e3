-- A product key's way: nobody allocates without the row that says to whom. From allocated only one way leads back: its allocation was
-- withdrawn, which key_allocations_check allows only unseen. Trigger on product_keys, before an update.
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
