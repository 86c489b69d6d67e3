-- Watched by the running shop as well: what names :since is looked at where it has moved since then, the rest whole. A column variant_id names the product that is not sold until staff settle the breach.
-- I1: a product key belongs to at most one order line, and an allocated key has its allocation; only one that was withdrawn has none
select k.id, k.variant_id from product_keys k left join key_allocations a on a.key_id = k.id and a.withdrawn_at is null where (k.status = 'allocated') <> (a.key_id is not null);
-- I1: what was withdrawn, its customer has never seen
select a.key_id, a.variant_id from key_allocations a join key_reveals r on r.key_id = a.key_id and r.actor = 'user:' || a.customer_id where r.at between a.allocated_at and a.withdrawn_at;
-- I2: no unit number is beyond one line's count of units
select order_line_id, (array_agg(variant_id))[1] as variant_id from key_allocations where replacement_no = 0 group by 1 having max(unit_no) <> count(*);
-- I3: a key is reserved only for a hold that is held
select k.id, k.variant_id from product_keys k left join reservations r on r.id = k.reservation_id where k.status = 'reserved' and r.status is distinct from 'held';
-- I4: a held hold has exactly its units
select r.id, (select k.variant_id from product_keys k where k.reservation_id = r.id limit 1) as variant_id from reservations r where r.status = 'held' and r.unit_count <> (select count(*) from product_keys k where k.reservation_id = r.id and k.status = 'reserved');
-- I18: the same product key is never stored twice
select (array_agg(id order by id desc))[1] as id, (array_agg(variant_id order by id desc))[1] as variant_id from product_keys group by brand, blind_index having count(*) > 1;
-- KY-10: the last count told of a variant is its count of available keys, unless a change still waits to be told
select told.variant_id, told.available_count from (
  select distinct on (data->>'variantId') (data->>'variantId')::uuid as variant_id, (data->>'availableCount')::int as available_count
  from outbox where type = 'stock.changed' order by data->>'variantId', (data->>'at')::timestamptz desc
) told
where not exists (select from stock_touches t where t.variant_id = told.variant_id)
  and told.available_count <> (select count(*) from product_keys k where k.variant_id = told.variant_id and k.status = 'available');
-- I26: a need is closed only when nothing of its line is missing
select n.order_line_id, n.variant_id from supply_needs n left join (select order_line_id, count(*) as bound_count from key_allocations where replacement_no = 0 group by 1) a using (order_line_id)
where n.status = 'done' and n.quantity > coalesce(a.bound_count, 0);
-- I26: what a supplier order settled is what became of its units
select p.id, p.variant_id from procurements p left join (select procurement_id, count(*) as unit_count from supplied_units group by 1) u on u.procurement_id = p.id where p.settled_count <> coalesce(u.unit_count, 0);
-- I26: a unit that was stored is a product key, and no other is
select u.supplier || ' ' || u.unit_ref as unit, p.variant_id from supplied_units u join procurements p on p.id = u.procurement_id where (u.verdict = 'stored') <> (u.key_id is not null);
-- I26: living supplier orders cover at most what their line lacks
select n.order_line_id, n.variant_id from supply_needs n where n.status = 'open' and supply_uncovered(n.order_line_id, n.quantity) < 0;
