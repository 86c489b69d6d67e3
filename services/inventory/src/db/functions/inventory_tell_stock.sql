-- The catalogue hears when a variant's stock passes a mark that shoppers see: none, few (5 or less), enough. A count made in each buyer's
-- transaction does not see the other buyers of this moment, so the last one told could be wrong for ever. Instead each change leaves a
-- touch, and the sweep tell-stock counts after it and tells.
CREATE OR REPLACE FUNCTION inventory_tell_stock(p_variant uuid, p_delta integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO stock_touches (variant_id) SELECT p_variant WHERE p_delta <> 0
$$;
