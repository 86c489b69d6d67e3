import { setTimeout as sleep } from 'node:timers/promises';
import { control, query } from './back-room.ts';
import type { Shop } from './shop.ts';

export const supplierNames = ['codeswholesale', 'kinguin', 'moogold'] as const;

/** What a client knows for sure: it was told so. The databases are held against it afterwards. */
export interface Acknowledged {
  orderId: string;
  userId: string;
  isPaid: boolean;
}

/**
 * The banks' own books against ours, to the Rial: what one took and keeps is captured here once, with its amount, or is with a person; what
 * it did not take is not captured; what went back there is a refund here, once, and what we call sent went back there. Nobody paid there
 * what we did not ask for.
 */
export async function checkBank(shop: Shop): Promise<string[]> {
  const problems: string[] = [];
  const { items } = (await control(shop, 'GET', '/banks/attempts?limit=1000000')) as {
    items: { authority: string; status: string; amountRial: number; refundedRial?: number }[];
  };
  const bankOf = new Map(items.map((attempt) => [attempt.authority, attempt]));
  const rows = await query(
    shop,
    'payments',
    `select a.psp_token, a.order_id, a.status, a.amount_rial, count(r.id)::int as count, coalesce(bool_or(r.status = 'succeeded'), false) as is_sent
      from payment_attempts a left join refunds r on r.attempt_id = a.id and r.status not in ('failed', 'rejected')
      where a.psp_token is not null group by a.id`,
  );
  const ours = new Set(rows.map((row) => String(row['psp_token'])));
  for (const { authority, status } of items)
    if (!ours.has(authority) && ['PAID', 'VERIFIED', 'REVERSED'].includes(status))
      problems.push(`${authority} is ${status} at the bank, and nothing here`);
  for (const row of rows) {
    const say = (what: string) => problems.push(`${String(row['order_id'])} (${String(row['psp_token'])}): ${what}`);
    const bank = bankOf.get(String(row['psp_token']));
    if (!bank) {
      say('the bank knows no such attempt');
      continue;
    }
    const isCaptured = row['status'] === 'captured';
    const isBack = bank.status === 'REVERSED' || bank.refundedRial === bank.amountRial;
    const isKept = bank.status === 'VERIFIED';
    if (isKept && !isCaptured && row['status'] !== 'review')
      say(`the bank keeps it, here it is ${String(row['status'])}`);
    if (isCaptured && !isKept && !isBack) say(`captured here, ${bank.status} at the bank`);
    if (isCaptured && Number(row['amount_rial']) !== bank.amountRial) say('another amount than at the bank');
    if (row['is_sent'] === true && !isBack) say('sent back by us, not by the bank');
    if (isBack && isCaptured && row['count'] !== 1) say('the bank gave it back, and we do not know');
  }
  return problems;
}

/**
 * The suppliers' own books against ours: each order there is one of ours, and each that we call placed is there. Whatever a supplier was
 * paid for is here, a product key or one refused as a duplicate; what it hands over beyond that is not kept.
 */
export async function checkSupplierOrders(shop: Shop): Promise<string[]> {
  const problems: string[] = [];
  for (const name of supplierNames) {
    const { items } = (await control(shop, 'GET', `/suppliers/${name}/orders`)) as {
      items: {
        orderId: string;
        reference: string | null;
        chargedCents: number;
        units: { id: string; state: string }[];
      }[];
    };
    const ours = await query(
      shop,
      'inventory',
      `select supplier_order_id, status, quantity, at_risk_cents from procurements where supplier = '${name}' and supplier_order_id is not null`,
    );
    const here = await query(shop, 'inventory', `select unit_ref from supplied_units where supplier = '${name}'`);
    const refs = new Set(here.map((row) => String(row['unit_ref'])));
    const byOrder = new Map(ours.map((row) => [String(row['supplier_order_id']), row]));
    const there = new Set(items.map(({ orderId }) => orderId));
    for (const { orderId, reference, chargedCents, units } of items) {
      const own = byOrder.get(orderId);
      if (!own) problems.push(`${name} has order ${orderId} (${reference ?? 'no reference'}) that we do not know`);
      else if (Number(own['at_risk_cents']) < chargedCents)
        problems.push(`${name} took ${chargedCents} for ${orderId}, counted are ${String(own['at_risk_cents'])}`);
      // What was sold otherwise than ordered is with a person, by its order.
      if (!own || own['status'] === 'review') continue;
      const ready = units.filter(({ state }) => state === 'ready');
      const hereCount = ready.filter(({ id }) => refs.has(name === 'moogold' ? orderId : id)).length;
      if (hereCount < Math.min(ready.length, Number(own['quantity'])))
        problems.push(`${name} sold ${ready.length} units of ${orderId}, and ${hereCount} are here`);
    }
    for (const [orderId, { status }] of byOrder)
      if (!there.has(orderId)) problems.push(`${name} does not have ${orderId}, which is ${String(status)} here`);
  }
  return problems;
}

/** Jepsen's question: is everything that a client was told still so, and did nothing happen twice? `hurry` lets time pass for what waits. */
export async function checkHistory(shop: Shop, told: Acknowledged[], hurry: () => Promise<void>): Promise<string[]> {
  const problems: string[] = [];
  for (const entry of told) {
    const until = performance.now() + 90_000;
    for (;;) {
      const [order] = await query(shop, 'orders', 'select status, customer_id from orders where id = $1', [
        entry.orderId,
      ]);
      if (!order) problems.push(`order ${entry.orderId} was acknowledged and is gone`);
      if (!order || !entry.isPaid) break;
      if (order['status'] === 'fulfilled') break;
      if (order['status'] === 'refunded' || order['status'] === 'part_refunded') {
        if (!(await isPaidBack(shop, entry.orderId)))
          problems.push(`order ${entry.orderId} is ${order['status']}, and not every unit is a key or money`);
        break;
      }
      if (order['status'] === 'review') break;
      const surplus = await query(
        shop,
        'payments',
        'select 1 from payment_attempts where order_id = $1 and is_surplus',
        [entry.orderId],
      );
      if (surplus.length > 0) break;
      if (performance.now() > until) {
        problems.push(`order ${entry.orderId} was paid at the bank and is ${String(order['status'])}`);
        break;
      }
      await query(
        shop,
        'payments',
        "update payment_attempts set redirected_at = least(redirected_at, now() - interval '25 seconds'), due_at = now() where order_id = $1 and status in ('redirected', 'verifying', 'unknown')",
        [entry.orderId],
      );
      await hurry();
      await sleep(300);
    }
  }
  const twice = await query(
    shop,
    'inventory',
    'select order_line_id from key_allocations group by order_line_id, unit_no, replacement_no having count(*) > 1',
  );
  if (twice.length > 0) problems.push('a unit has two keys');
  return problems;
}

/** Staff gave it back, or every unit of it is a product key, or its money is in the wallet, once. */
async function isPaidBack(shop: Shop, orderId: string): Promise<boolean> {
  const byStaff = "select amount_rial from refunds where order_id = $1 and status = 'succeeded'";
  if ((await query(shop, 'payments', byStaff, [orderId])).length === 1) return true;
  const lines = await query(
    shop,
    'orders',
    'select id, quantity, unit_price_rial as price from order_lines where order_id = $1',
    [orderId],
  );
  let owedRial = 0;
  for (const line of lines) {
    const [bound] = await query(
      shop,
      'inventory',
      'select count(*)::int as count from key_allocations where order_line_id = $1 and replacement_no = 0',
      [line['id']],
    );
    owedRial += (Number(line['quantity']) - Number(bound?.['count'])) * Number(line['price']);
  }
  const refunds = await query(
    shop,
    'payments',
    "select -e.amount_rial as amount from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.order_id = $1 and t.kind = 'refund' and e.account like 'wallet:%'",
    [orderId],
  );
  return refunds.length === 1 && Number(refunds[0]?.['amount']) === owedRial;
}
