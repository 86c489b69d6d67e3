-- CK-6: an order adds up to the Rial, with its lines, whoever writes them. At the end of the transaction, for lines come after their order.
-- Constraint trigger on orders and order_lines, deferred.
CREATE OR REPLACE FUNCTION orders_check_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	order_of uuid := CASE WHEN TG_TABLE_NAME = 'orders' THEN (to_jsonb(NEW)->>'id')::uuid ELSE (to_jsonb(coalesce(NEW, OLD))->>'order_id')::uuid END;
BEGIN
	IF NOT EXISTS (
		SELECT FROM orders o, LATERAL (
			SELECT coalesce(sum(l.unit_price_rial * l.quantity), 0) AS goods, coalesce(sum(l.discount_rial), 0) AS discount, coalesce(sum(l.vat_rial), 0) AS vat
			FROM order_lines l WHERE l.order_id = o.id
		) s WHERE o.id = order_of AND o.discount_rial = s.discount AND o.vat_rial = s.vat AND o.total_rial = s.goods - s.discount + s.vat + o.fee_rial
	) THEN
		RAISE EXCEPTION 'the amounts of order % do not add up', order_of USING ERRCODE = 'KE005';
	END IF;
	RETURN NULL;
END $$;
