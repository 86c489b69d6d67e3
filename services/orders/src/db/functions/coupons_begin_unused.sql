-- A coupon begins unused, whatever its row says. Trigger on coupons, before an insert.
CREATE OR REPLACE FUNCTION coupons_begin_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.used_count := 0;
	RETURN NEW;
END $$;
