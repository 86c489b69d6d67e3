-- Units that are missing to a variant's target: what is on the shelf and what is on its way there counts.
CREATE OR REPLACE FUNCTION supply_stock_short(p_variant uuid) RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT max(target_stock_count) FROM supplier_offers WHERE variant_id = p_variant AND is_enabled), 0)
		- (SELECT count(*)::integer FROM product_keys WHERE variant_id = p_variant AND status = 'available')
		- coalesce((SELECT sum(quantity - settled_count)::integer FROM procurements
			WHERE variant_id = p_variant AND order_line_id IS NULL AND status IN ('ordering', 'unknown', 'placed')), 0)
$$;
