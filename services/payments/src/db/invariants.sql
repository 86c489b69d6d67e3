-- Watched by the running shop as well: what names :since is looked at where it has moved since then, the rest whole. A column psp names the bank that is switched off, with the reason, until staff switch it on. A breach is kept once for its id and what it names, so a sentence that stops a bank has an id of its own.
-- I5: captured money pays what was owed, or is the surplus of its customer
select a.id, nullif(a.psp, 'wallet') as psp from payment_attempts a join payment_intents i on i.id = a.intent_id
where a.status = 'captured' and a.updated_at >= :since and i.paid_attempt_id is distinct from a.id
  and not (a.is_surplus and exists (select from ledger_transactions t where t.kind = 'surplus' and t.business_ref = a.id));
-- I5 I14: captured money pays what was owed, and then its order says where it is, or is its customer's within 15 minutes
select c.* from captures_unaccounted c join payment_attempts a on a.id = c.attempt_id join payment_intents i on i.id = a.intent_id
where c.captured_at between :since - interval '15 minutes' and now() - interval '15 minutes' and i.paid_attempt_id is distinct from a.id;
-- I6: one intent is paid by one attempt, and any other captured attempt of it is surplus
select i.id from payment_attempts a join payment_intents i on i.id = a.intent_id where a.status = 'captured' and a.updated_at >= :since and a.id <> i.paid_attempt_id and not a.is_surplus;
-- I7: an attempt is for the whole amount of its intent, less what the wallet pays of it
select a.id from payment_attempts a join payment_intents i on i.id = a.intent_id left join wallet_holds h on h.intent_id = i.id
where a.amount_rial <> i.amount_rial - case when a.psp = 'wallet' then 0 else coalesce(h.amount_rial, 0) end;
-- I8: a ledger transaction has two entries or more and sums to zero
select t.id, coalesce(max(substr(e.account, 10)) filter (where e.account like 'clearing:%'), max(nullif(a.psp, 'wallet'))) as psp
from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
  left join payment_intents i on i.order_id = t.order_id left join payment_attempts a on a.id = i.paid_attempt_id
where t.at >= :since group by t.id having coalesce(sum(e.amount_rial), 0) <> 0 or count(distinct e.id) < 2;
-- I9: a captured attempt is in the ledger once, with its amount, a surplus once, and nothing else is there as a capture
select a.id, a.psp from payment_attempts a where a.status = 'captured' and a.psp <> 'wallet' and a.updated_at >= :since
  and (a.amount_rial <> (select coalesce(sum(e.amount_rial), 0) from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
      where t.kind = 'capture' and t.business_ref = a.id and e.account = 'clearing:' || a.psp)
    or (select count(*) from ledger_transactions t where t.kind = 'capture' and t.business_ref = a.id) <> 1)
union all select a.id, a.psp from payment_attempts a where a.status = 'captured' and a.is_surplus and a.updated_at >= :since
  and (select count(*) from ledger_transactions t where t.kind = 'surplus' and t.business_ref = a.id) <> 1
union all select t.business_ref, substr(e.account, 10) from ledger_transactions t join ledger_entries e on e.transaction_id = t.id and e.account like 'clearing:%'
  where t.kind = 'capture' and t.at >= :since and not exists (select from payment_attempts a where a.id = t.business_ref and a.status = 'captured');
-- I10: a wallet is the sum of its entries
select w.customer_id from wallets w where 'wallet:' || w.customer_id in (select e.account from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.at >= :since and e.account like 'wallet:%')
  and w.balance_rial <> (select -sum(e.amount_rial) from ledger_entries e where e.account = 'wallet:' || w.customer_id);
-- I10: a wallet without entries is empty, and none is negative
select w.customer_id from wallets w where w.balance_rial < w.held_rial or (w.balance_rial <> 0 and not exists (select from ledger_entries e where e.account = 'wallet:' || w.customer_id));
-- I10: what a wallet holds is what its open holds say
select w.customer_id from wallets w left join (select customer_id, sum(amount_rial) as held_rial from (select customer_id, amount_rial from wallet_holds where status = 'held'
  union all select customer_id, amount_rial from withdrawals where status in ('requested', 'approved')) open group by 1) h using (customer_id) where w.held_rial <> coalesce(h.held_rial, 0);
-- I10: a hold is posted with its capture or given back with its order
select h.customer_id from wallet_holds h join payment_intents i on i.id = h.intent_id
  where h.status <> (case i.status when 'open' then 'held' when 'captured' then 'posted' else 'voided' end)
    or (h.status = 'posted') <> exists (select from ledger_transactions t where t.kind = 'wallet-payment' and t.business_ref = h.intent_id);
-- I11: a card gets back at most what it paid, and an order at most what was captured for it
select i.id, nullif(a.psp, 'wallet') as psp from payment_intents i join payment_attempts a on a.id = i.paid_attempt_id
where i.order_id in (select r.order_id from refunds r where r.updated_at >= :since) and (
  i.amount_rial < (select coalesce(sum(r.amount_rial), 0) from refunds r where r.order_id = i.order_id and r.status not in ('failed', 'rejected'))
  or exists (select from refunds r join payment_attempts paid on paid.id = r.attempt_id where r.order_id = i.order_id and r.status not in ('failed', 'rejected')
    group by paid.id having sum(r.amount_rial) > paid.amount_rial));
-- I11 PA-8: what went back of an order, or may still, is exactly what is reserved
select i.id from payment_intents i where i.order_id in (select r.order_id from refunds r where r.updated_at >= :since union all select t.order_id from ledger_transactions t where t.at >= :since)
  and i.refunded_rial <> (select coalesce(sum(r.amount_rial), 0) from refunds r where r.order_id = i.order_id and r.status not in ('failed', 'rejected'))
    + (select coalesce(-sum(e.amount_rial), 0) from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where t.order_id = i.order_id and t.kind in ('refund', 'complaint-refund') and e.account like 'wallet:%')
union all select a.id from payment_attempts a where a.refunded_rial <> 0 and a.refunded_rial <> (select coalesce(sum(r.amount_rial), 0) from refunds r where r.attempt_id = a.id and r.status not in ('failed', 'rejected'))
union all select r.attempt_id from refunds r join payment_attempts a on a.id = r.attempt_id where r.updated_at >= :since and a.refunded_rial = 0 and r.status not in ('failed', 'rejected');
-- I9: a refund or a withdrawal is in the ledger once when it has happened, and not otherwise
select r.id from refunds r where r.updated_at >= :since and (r.status = 'succeeded') <> exists (select from ledger_transactions t where t.kind = 'staff-refund' and t.business_ref = r.id)
union all select w.id from withdrawals w where (w.status = 'sent') <> exists (select from ledger_transactions t where t.kind = 'withdrawal' and t.business_ref = w.id);
-- I20: an attempt's history makes only allowed moves
select h.id from attempt_history h where h.at >= :since and h.from_status is not null and not exists (select from attempt_moves m where m.from_status = h.from_status and m.to_status = h.to_status);
-- I14: no event waits in the outbox for more than a minute; the first of them is named
select id from outbox where sent_at is null and created_at < now() - interval '1 minute' order by id limit 1;
-- I8: a close has the sums and balances of its day's entries, day by day without a gap
select c.day from ledger_closes c where c.day > (select min(day) from ledger_closes) and not exists (select from ledger_closes before where before.until_at = c.from_at)
union all select c.day from ledger_closes c where c.closed_at >= :since and (c.transaction_count, c.debit_rial, c.credit_rial) is distinct from (
  select (count(distinct t.id)::int, coalesce(sum(e.amount_rial) filter (where e.amount_rial > 0), 0)::bigint, coalesce(-sum(e.amount_rial) filter (where e.amount_rial < 0), 0)::bigint)
  from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.at >= c.from_at and t.at < c.until_at)
union all select coalesce(stored.day, summed.day) from (select day, account, balance_rial from ledger_close_balances where day = (select max(day) from ledger_closes where closed_at >= :since)) stored
  full join (select c.day, case when e.account like 'wallet:%' then 'wallets' else e.account end as account, sum(e.amount_rial) as balance_rial
    from ledger_closes c join ledger_transactions t on t.at < c.until_at join ledger_entries e on e.transaction_id = t.id
    where c.day = (select max(day) from ledger_closes where closed_at >= :since) group by 1, 2) summed using (day, account)
  where stored.balance_rial is distinct from summed.balance_rial;
-- F19 I9: a settled line moved its money once, and what moved was a settled line
select r.id from settlement_rows r where r.verdict in ('matched', 'fee-too-high') and not exists (select from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
    where t.kind = case r.kind when 'payment' then 'settlement' else 'settlement-refund' end and t.business_ref = case r.kind when 'payment' then r.attempt_id else r.refund_id end
      and e.account = 'clearing:' || r.psp and e.amount_rial = case r.kind when 'payment' then -r.amount_rial else r.amount_rial end)
union all select t.id from ledger_transactions t where t.kind in ('settlement', 'settlement-refund') and not exists (select from settlement_rows r where r.verdict in ('matched', 'fee-too-high')
    and t.business_ref = case r.kind when 'payment' then r.attempt_id else r.refund_id end);
-- F19: each line that does not agree is a difference
select r.id from settlement_rows r where (r.verdict <> 'matched') <> exists (select from settlement_differences d where d.import_id = r.import_id and d.line = r.line and d.cause = r.verdict);
