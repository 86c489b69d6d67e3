-- I6: an order that was paid names the one attempt that paid it
select id from orders where (paid_at is not null) <> (paid_attempt_id is not null);
-- I2: a fulfilled order has delivered exactly its quantities
select o.id from orders o join order_lines l on l.order_id = o.id where o.status = 'fulfilled' and l.delivered_count <> l.quantity;
-- I7: the total is the sum of the lines, less discount, with VAT
select o.id from orders o join order_lines l on l.order_id = o.id group by o.id having o.total_rial <> sum(l.unit_price_rial * l.quantity) - o.discount_rial + o.vat_rial;
-- I20: each order's history ends where the order is and makes only allowed moves
select h.id from order_history h where h.from_status is not null and not exists (select from order_moves m where m.from_status = h.from_status and m.to_status = h.to_status)
union all select o.id from orders o where o.status <> (select to_status from order_history h where h.order_id = o.id order by h.at desc, h.id desc limit 1);
-- I14: no event waits in the outbox for more than a minute
select id from outbox where sent_at is null and created_at < now() - interval '1 minute';
