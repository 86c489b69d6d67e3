-- A delivered order becomes income: the customer's deposit is what each other seller is owed (an account of its own, `seller:<id>`), the
-- state's VAT, and, for the rest, the shop's revenue. `p_sellers` is [{ sellerId, amountRial }]. Posted once for an order; answers false
-- when it was posted before.
CREATE OR REPLACE FUNCTION ledger_post_sale(p_order uuid, p_total bigint, p_vat bigint, p_sellers jsonb) RETURNS boolean
LANGUAGE sql AS $$
	WITH owed AS (
		SELECT 'seller:' || (s->>'sellerId')::uuid AS account, sum((s->>'amountRial')::bigint) AS amount FROM jsonb_array_elements(p_sellers) s GROUP BY 1
		UNION ALL SELECT 'vat:payable', p_vat),
	parts AS (
		SELECT account, amount FROM owed
		UNION ALL SELECT 'revenue:sales', p_total - sum(amount) FROM owed)
	SELECT ledger_post('sale', p_order, p_order, ARRAY['deposits:orders'] || array_agg(account), ARRAY[p_total] || array_agg(-amount::bigint)) FROM parts WHERE amount <> 0
$$;
