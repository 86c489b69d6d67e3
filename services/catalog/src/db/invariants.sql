-- Watched by the running shop as well. A column variant_id names the product that is not sold until staff settle the breach.
-- CA-6 CA-10: what lists show of a product is what its variants are
select p.id from products p left join (select product_id, min(price_rial) as from_price, array_agg(distinct region order by region) as regions, bool_or(available_count > 0 or can_supply) as in_stock
  from variants group by 1) v on v.product_id = p.id
where (p.from_price_rial, p.regions, p.is_in_stock) is distinct from (v.from_price, coalesce(v.regions, '{}'), coalesce(v.in_stock, false));
-- I13: a variant costs what its history says last
select v.id, v.id as variant_id from variants v cross join lateral (select h.price_rial from price_history h where h.variant_id = v.id order by h.id desc limit 1) last where last.price_rial <> v.price_rial;
-- I27: a price that follows a rate is within what staff set for it
select f.variant_id as id, f.variant_id from price_formulas f join variants v on v.id = f.variant_id where f.priced_rate_id is not null and (v.price_rial < f.floor_rial or v.price_rial > f.ceiling_rial);
-- I27: the rate that prices follow is one of their own currency
select s.currency from fx_states s join fx_rates r on r.id = s.rate_id where r.currency <> s.currency
union all select f.currency || ' ' || f.variant_id from price_formulas f join fx_rates r on r.id = f.priced_rate_id where r.currency <> f.currency;
-- CA-3: every category is below one without a parent
with recursive reached as (select id from categories where parent_id is null union select c.id from categories c join reached r on c.parent_id = r.id)
select id from categories where id not in (select id from reached);
