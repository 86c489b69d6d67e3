-- What lists show of a product's variants is derived here, in the transaction that changed them. Trigger on variants, after an insert and
-- after an update of what lists show.
CREATE OR REPLACE FUNCTION catalog_derive_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- First the product's lock, then a fresh look: two variants that change at once are both counted.
	PERFORM FROM products WHERE id = NEW.product_id FOR NO KEY UPDATE;
	UPDATE products p SET from_price_rial = v.from_price, regions = v.regions, is_in_stock = v.in_stock, updated_at = now()
	FROM (SELECT min(price_rial) AS from_price, array_agg(DISTINCT region ORDER BY region) AS regions, bool_or(available_count > 0 OR can_supply) AS in_stock
		FROM variants WHERE product_id = NEW.product_id) v
	WHERE p.id = NEW.product_id;
	RETURN NULL;
END $$;
