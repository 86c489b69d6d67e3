-- Whether a supplier seems to have so many units within our price: enough to sell what the vault lacks. Where orders before the day of
-- release are taken, a price is enough.
CREATE OR REPLACE FUNCTION supply_can(p_variant uuid, p_units integer) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM supplier_offers o LEFT JOIN supplier_states s ON s.supplier = o.supplier
		WHERE o.variant_id = p_variant AND o.is_enabled AND coalesce(s.is_enabled, true) AND coalesce(s.cooldown_until <= now(), true)
			AND o.quote_cents <= o.unit_max_cents AND (o.quote_stock_count >= p_units OR o.allows_pre_order) AND o.quoted_at > now() - interval '1 hour')
$$;
