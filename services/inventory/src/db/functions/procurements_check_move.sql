-- What a supplier order may become. `received`, `refused` and `cancelled` are the end, but a supplier that refused may have sold all the
-- same; `not_placed` is looked at for a day more. The need that an order was for and what it counts stay; `updated_at` is when its status
-- became what it is. Trigger on procurements, before an update.
CREATE OR REPLACE FUNCTION procurements_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
		('ordering', 'placed'), ('ordering', 'refused'), ('ordering', 'unknown'), ('ordering', 'not_placed'), ('ordering', 'review'),
		('unknown', 'placed'), ('unknown', 'not_placed'), ('unknown', 'review'),
		('not_placed', 'placed'), ('not_placed', 'review'),
		('refused', 'placed'), ('refused', 'review'),
		('placed', 'received'), ('placed', 'cancelled'), ('placed', 'review')
	) THEN
		RAISE EXCEPTION 'a supplier order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'KE041';
	END IF;
	IF (NEW.supplier, NEW.product_ref, NEW.variant_id, NEW.quantity, NEW.unit_max_cents, NEW.need_line_id)
		IS DISTINCT FROM (OLD.supplier, OLD.product_ref, OLD.variant_id, OLD.quantity, OLD.unit_max_cents, OLD.need_line_id)
		OR OLD.supplier_order_id IS NOT NULL AND NEW.supplier_order_id IS DISTINCT FROM OLD.supplier_order_id
		OR NEW.at_risk_cents < OLD.at_risk_cents AND (OLD.status, NEW.status) IS DISTINCT FROM ('ordering', 'refused') THEN
		RAISE EXCEPTION 'a supplier order stays what it is' USING ERRCODE = 'KE042';
	END IF;
	IF NEW.status <> OLD.status THEN
		NEW.updated_at := now();
	END IF;
	RETURN NEW;
END $$;
