-- Two top-ups of one variant for two players are two items of a cart: the key that tells them apart.
CREATE OR REPLACE FUNCTION account_key_of(p_account jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(p_account->>'playerId', '') || '|' || coalesce(p_account->>'zone', '')
$$;
