-- Whether a code is here: as a unit or as a part of one, under the key of the index or the one before it.
CREATE OR REPLACE FUNCTION inventory_knows(p_brand text, p_version smallint, p_index bytea, p_previous_version smallint, p_previous bytea) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM product_keys WHERE brand = p_brand AND blind_index_version = p_version AND blind_index = p_index)
		OR EXISTS (SELECT FROM product_key_codes WHERE brand = p_brand AND blind_index_version = p_version AND blind_index = p_index)
		OR p_previous IS NOT NULL AND (EXISTS (SELECT FROM product_keys WHERE brand = p_brand AND blind_index_version = p_previous_version AND blind_index = p_previous)
			OR EXISTS (SELECT FROM product_key_codes WHERE brand = p_brand AND blind_index_version = p_previous_version AND blind_index = p_previous))
$$;
