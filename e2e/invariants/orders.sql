-- I7 I13: the total of an order is the sum of its lines, less its discount, plus its tax
select o.id from orders o where o.total_rial <> (select sum(l.unit_price_rial * l.quantity) from order_lines l where l.order_id = o.id) - o.discount_rial + o.vat_rial;
-- OR-3: every move in an order's history is an allowed one, and the last is where the order is
select h.id from order_history h where h.from_status is not null and not exists (select from order_moves m where m.from_status = h.from_status and m.to_status = h.to_status);
-- OR-3: an order is where its history says
select o.id from orders o where o.status <> (select h.to_status from order_history h where h.order_id = o.id order by h.id desc limit 1);
-- OR-3: an order's version counts its moves
select o.id from orders o where o.version <> (select count(*) from order_history h where h.order_id = o.id);
-- I6: an order that went past payment has one paid attempt, and one that did not has none
select id from orders where (paid_attempt_id is not null) <> (status in ('paid', 'fulfilling', 'part_fulfilled', 'fulfilled', 'review', 'refunding', 'part_refunded', 'refunded'));
-- I2: a fulfilled order has every unit of every line, and no line has more than it asked for
select l.id from order_lines l join orders o on o.id = l.order_id where l.delivered_count > l.quantity or (o.status = 'fulfilled' and l.delivered_count <> l.quantity);
-- I12 A59: one state of a cart became at most one living order
select cart_id, cart_order_count from orders where status not in ('cancelled', 'expired') group by 1, 2 having count(*) > 1;
-- CP11: nothing that still owes a step is forgotten by the sweep
select id from orders where status in ('placing', 'pending_payment', 'paid', 'fulfilling', 'part_fulfilled') and due_at is null;
