import { type SQL, sql } from 'drizzle-orm';
import { Psp } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';

interface Check {
  invariant: string;
  sentence: string;
  /** The rows that break it, among what has moved since then: what broke, and the PSP that has a part in it. */
  find: (since: string) => SQL;
}

const checks: Check[] = [
  {
    invariant: 'I8',
    sentence: 'a ledger transaction has two entries or more and sums to zero',
    find: (since) => sql`
      select t.id as subject, coalesce(max(substr(e.account, 10)) filter (where e.account like 'clearing:%'), max(a.psp)) as psp
      from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
        left join payment_intents i on i.order_id = t.order_id left join payment_attempts a on a.id = i.paid_attempt_id
      where t.at >= ${since} group by t.id having coalesce(sum(e.amount_rial), 0) <> 0 or count(distinct e.id) < 2`,
  },
  {
    invariant: 'I9',
    sentence: 'a captured attempt is in the ledger with its amount, and nothing else is there as a capture',
    find: (since) => sql`
      select a.id as subject, a.psp from payment_attempts a where a.status = 'captured' and a.psp <> 'wallet' and a.updated_at >= ${since}
        and a.amount_rial <> (select coalesce(sum(e.amount_rial), 0) from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
          where t.kind = 'capture' and t.business_ref = a.id and e.account = 'clearing:' || a.psp)
      union all
      select t.business_ref, substr(e.account, 10) from ledger_transactions t join ledger_entries e on e.transaction_id = t.id and e.account like 'clearing:%'
      where t.kind = 'capture' and t.at >= ${since} and not exists (select from payment_attempts a where a.id = t.business_ref and a.status = 'captured')`,
  },
  {
    invariant: 'I5',
    sentence: 'captured money pays what was owed, or is the surplus of its customer',
    find: (since) => sql`
      select a.id as subject, a.psp from payment_attempts a join payment_intents i on i.id = a.intent_id
      where a.status = 'captured' and a.updated_at >= ${since} and i.paid_attempt_id is distinct from a.id
        and not (a.is_surplus and exists (select from ledger_transactions t where t.kind = 'surplus' and t.business_ref = a.id))`,
  },
  {
    invariant: 'I10',
    sentence: 'a wallet is the sum of its entries',
    find: (since) => sql`
      select w.customer_id as subject, null::text as psp from wallets w
      where 'wallet:' || w.customer_id in (select e.account from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.at >= ${since} and e.account like 'wallet:%')
        and w.balance_rial <> (select -sum(e.amount_rial) from ledger_entries e where e.account = 'wallet:' || w.customer_id)`,
  },
  {
    invariant: 'I11',
    sentence: 'a card gets back at most what it paid, and an order at most what was captured for it',
    find: (since) => sql`
      select i.id as subject, a.psp from payment_intents i join payment_attempts a on a.id = i.paid_attempt_id
      where i.id in (select r.intent_id from refunds r where r.updated_at >= ${since}) and (
        i.amount_rial < (select coalesce(sum(r.amount_rial), 0) from refunds r where r.intent_id = i.id and r.status not in ('failed', 'rejected'))
        or exists (select from refunds r join payment_attempts paid on paid.id = r.attempt_id where r.intent_id = i.id and r.status not in ('failed', 'rejected')
          group by paid.id having sum(r.amount_rial) > paid.amount_rial))`,
  },
];

/**
 * Looks at what has moved since the last look, and ten minutes more: a transaction commits later than its own time says. A breach stops the
 * one PSP that has a part in it, in the transaction that records it; everything else goes on selling.
 */
export async function watchInvariants(ctx: Context): Promise<number> {
  const found = await ctx.transaction(async (tx) => {
    await tx.execute(sql`set local statement_timeout = '60s'`); // The first look is at all there is.
    const { rows: marks } = await tx.execute<{ since: string }>(
      sql`select (looked_until - interval '10 minutes')::text as since from monitor_marks where name = 'ledger'`,
    );
    const breaches: { invariant: string; sentence: string; subject: string; psp: Psp | null }[] = [];
    for (const { invariant, sentence, find } of checks) {
      const { rows } = await tx.execute<{ subject: string; psp: Psp | null }>(sql`
        insert into invariant_breaches (id, invariant, subject, psp, sentence)
        select uuidv7(), ${invariant}, found.subject, case when found.psp = any(${sql.param(Psp.options)}::text[]) then found.psp end, ${sentence}
        from (${find(marks[0]?.since ?? '-infinity')}) found
        on conflict (invariant, subject) do nothing returning subject, psp`);
      breaches.push(...rows.map((row) => ({ invariant, sentence, ...row })));
    }
    for (const { invariant, sentence, psp } of breaches) {
      if (psp === null) continue;
      await tx.execute(sql`
        insert into psp_settings (psp, is_enabled, reason, changed_by) values (${psp}, false, ${`stopped by the monitor: ${invariant}, ${sentence}`}, 'service:payments')
        on conflict (psp) do update set is_enabled = false, reason = excluded.reason, changed_by = excluded.changed_by, changed_at = now()`);
    }
    await tx.execute(sql`
      insert into monitor_marks (name, looked_until) values ('ledger', now())
      on conflict (name) do update set looked_until = greatest(monitor_marks.looked_until, excluded.looked_until)`);
    return breaches;
  });
  for (const breach of found)
    ctx.log.error(
      { alarm: 'invariant-broken', ...breach },
      breach.psp === null
        ? 'something is as it must never be'
        : 'something is as it must never be; this bank is stopped',
    );
  return 0;
}
