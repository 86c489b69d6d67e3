-- Watched by the running shop as well: what names :since is looked at where it has moved since then, the rest whole. A column variant_id names the product that is not sold until staff settle the breach.
-- I7 I13 CK-6: the total of an order is the sum of its lines, less its discount, plus its VAT and its fee
select o.id from orders o where o.id in (select order_id from order_history where at >= :since) and o.total_rial <> (select sum(l.unit_price_rial * l.quantity) from order_lines l where l.order_id = o.id) - o.discount_rial + o.vat_rial + o.fee_rial;
-- CK-6: an order's discount and VAT are those of its lines, to the Rial, and each line's VAT is its part of what was paid for the line, rounded once
select o.id from orders o join order_lines l on l.order_id = o.id where o.id in (select order_id from order_history where at >= :since) group by o.id
  having sum(l.discount_rial) <> o.discount_rial or sum(l.vat_rial) <> o.vat_rial
    or bool_or(l.vat_rial <> round((l.unit_price_rial * l.quantity - l.discount_rial) * o.vat_basis_points / 10000.0));
-- CK-4: an order's discount is what its coupons took off, and several coupons of one order all allow each other
select o.id from orders o left join coupon_uses u on u.order_id = o.id left join coupons c on c.id = u.coupon_id where o.id in (select order_id from order_history where at >= :since) group by o.id
  having coalesce(sum(u.discount_rial), 0) <> o.discount_rial or count(c.id) > 3 or (count(c.id) > 1 and not bool_and(c.is_stackable));
-- I12: a coupon's count is its uses that were not given back, and never above its limit
select c.id from coupons c where c.used_count <> (select count(*) from coupon_uses u where u.coupon_id = c.id and u.released_at is null) or c.used_count > c.uses_max;
-- I12: so is each customer's
select m.coupon_id, m.customer_id from coupon_customers m join coupons c on c.id = m.coupon_id
  where m.used_count <> (select count(*) from coupon_uses u where u.coupon_id = m.coupon_id and u.customer_id = m.customer_id and u.released_at is null) or m.used_count > c.customer_uses_max
union all select u.coupon_id, u.customer_id from coupon_uses u where not exists (select from coupon_customers m where m.coupon_id = u.coupon_id and m.customer_id = u.customer_id);
-- I12: a dead order keeps no use, a living one has all of its uses; one that was dead before its payment came into review takes them again when it is paid
select o.id from orders o join coupon_uses u on u.order_id = o.id where o.id in (select order_id from order_history where at >= :since) and (u.released_at is null) <> (o.status not in ('cancelled', 'expired', 'refunded'))
  and not (o.status = 'review' and o.paid_attempt_id is null);
-- I11: no unit goes back for being bad that was not delivered
select l.id from order_lines l join orders o on o.id = l.order_id where o.id in (select order_id from order_history where at >= :since) and l.refunded_count > l.delivered_count;
-- OR-3: every move in an order's history is an allowed one, and the last is where the order is
select h.id from order_history h where h.at >= :since and h.from_status is not null and not exists (select from order_moves m where m.from_status = h.from_status and m.to_status = h.to_status);
-- OR-3: an order is where its history says
select o.id from orders o where o.id in (select order_id from order_history where at >= :since) and o.status <> (select h.to_status from order_history h where h.order_id = o.id order by h.id desc limit 1);
-- OR-3: an order's version counts its moves
select o.id from orders o where o.id in (select order_id from order_history where at >= :since) and o.version <> (select count(*) from order_history h where h.order_id = o.id);
-- I6: an order that went past payment has one paid attempt, and one that did not has none; one in review has one when it was paid before
select o.id from orders o where o.id in (select order_id from order_history where at >= :since) and (o.paid_attempt_id is not null) <> case o.status when 'review' then exists (select from order_history h where h.order_id = o.id and h.to_status = 'paid')
  else o.status in ('paid', 'fulfilling', 'part_fulfilled', 'fulfilled', 'refunding', 'part_refunded', 'refunded') end;
-- I2: a fulfilled order has every unit of every line, and no line has more than it asked for
select l.id, l.variant_id from order_lines l join orders o on o.id = l.order_id where o.id in (select order_id from order_history where at >= :since) and (l.delivered_count > l.quantity or (o.status = 'fulfilled' and l.delivered_count <> l.quantity));
-- I12 A59: one state of a cart became at most one living order
select cart_id, cart_order_count from orders where status not in ('cancelled', 'expired') and cart_id in (select o.cart_id from orders o where o.id in (select order_id from order_history where at >= :since)) group by 1, 2 having count(*) > 1;
-- CP11: nothing that still owes a step is forgotten by the sweep
select id from orders where (status in ('placing', 'pending_payment', 'paid', 'fulfilling', 'part_fulfilled') or (status = 'review' and paid_attempt_id is null)) and due_at is null;
-- I5: a paid order is delivered, given back or with a person an hour after its payment; one that is not out yet, two days after its day
select l.id, l.variant_id from orders o join order_lines l on l.order_id = o.id
where o.status in ('paid', 'fulfilling', 'part_fulfilled') and o.paid_at < now() - interval '1 hour' and l.delivered_count < l.quantity
  and not exists (select from order_lines p where p.order_id = o.id and p.delivered_count < p.quantity and p.releases_on >= current_date - 3);
