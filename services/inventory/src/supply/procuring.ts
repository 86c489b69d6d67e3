import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import type { Context } from '../context.ts';
import { type ProcurementStatus, procurements } from '../db/schema.ts';
import type { SuppliedOrder } from '../providers/supplier.ts';
import { type Procurement, receiveUnits } from './receiving.ts';

/** When an order whose answer was lost is asked for, in seconds after the order; believed missing only after all of them. */
const lookSeconds = [5, 30, 120];
const watchHours = 24;
/** A refused order is looked for once, this long after it. */
const refusedLookSeconds = 30;
const restSeconds = 300;
/** When an order that is placed is looked at, in seconds from one look to the next; then every minute, after half an hour every five. */
const pollSeconds = [2, 3, 5, 20];
const preOrderPollSeconds = 1_800;

/** Sends a supplier order whose row is committed, and writes down what came of it. */
export async function placeOrder(ctx: Context, procurement: Procurement): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  if (!supplier) return;
  const answer = await supplier.order({
    reference: procurement.id,
    productRef: procurement.productRef,
    quantity: procurement.quantity,
    unitPriceMaxCents: procurement.unitMaxCents,
    allowsPreOrder: procurement.allowsPreOrder,
    ...(procurement.gameAccount ? { gameAccount: procurement.gameAccount } : {}),
    signal: ctx.signal,
  });
  failpoint('inventory.supplier-ordered'); // CP13
  switch (answer.kind) {
    case 'placed':
      await takePlaced(ctx, procurement, answer.order);
      return;
    case 'refused':
      // What was never sent costs nothing. A refusal is believed, and still looked up once: some have taken the money all the same.
      await end(
        ctx,
        procurement,
        'refused',
        answer.reason,
        answer.isUnsent ? { dueAt: null, atRiskCents: 0 } : { dueAt: inSeconds(refusedLookSeconds), lookCount: 0 },
      );
      // Neither money nor a login comes back from one order to the next.
      if (answer.reason === 'balance-low' || answer.reason === 'not-authorised')
        await rest(ctx, procurement.supplier, restSeconds);
      else await coolDown(ctx, procurement.supplier);
      return;
    case 'not-now':
      await waitAsTold(ctx, procurement, answer.retryAfterSeconds);
      return;
    case 'unknown':
      await move(ctx, procurement, 'unknown', 'not answered', { dueAt: inSeconds(lookSeconds[0] ?? 5) });
      await coolDown(ctx, procurement.supplier);
  }
}

/**
 * A supplier that says when it may be asked again is left alone until then, by everybody. It should not have taken the order: it is looked
 * for once, at that time; a line waits for this look as long as for any lost answer, and then is bought elsewhere.
 */
async function waitAsTold(ctx: Context, procurement: Procurement, seconds: number): Promise<void> {
  await rest(ctx, procurement.supplier, seconds);
  const isSoon = seconds <= (lookSeconds.at(-1) ?? 0);
  await end(ctx, procurement, isSoon ? 'unknown' : 'not_placed', 'told to wait', {
    dueAt: inSeconds(seconds),
    lookCount: lookSeconds.length,
    watchUntil: isSoon ? null : sql`now() + make_interval(secs => ${seconds}, hours => ${watchHours})`,
  });
}

/** Goes on with a supplier order whose time has come, whatever it waits for. */
export async function followUp(ctx: Context, procurement: Procurement): Promise<void> {
  switch (procurement.status) {
    case 'ordering':
      // Whoever was asking the supplier died or took too long: the order may be there.
      await move(ctx, procurement, 'unknown', 'the answer was lost', { dueAt: sql`now()` });
      return;
    case 'unknown':
    case 'not_placed':
    case 'refused':
      await lookFor(ctx, procurement);
      return;
    case 'placed':
      await fetchUnits(ctx, procurement);
      return;
    case 'received':
      await lookForTwins(ctx, procurement);
      return;
    case 'cancelled':
    case 'review':
      await ctx.db.update(procurements).set({ dueAt: null }).where(eq(procurements.id, procurement.id));
  }
}

async function lookFor(ctx: Context, procurement: Procurement): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  if (!supplier) return;
  const answer = await supplier.find(procurement.id, new Date(procurement.createdAt), ctx.signal);
  if (answer.kind === 'found') {
    const [order, ...again] = answer.orders;
    if (order) await takePlaced(ctx, procurement, order);
    // The supplier took one reference twice: what can't be given back is ours, and goes to stock.
    for (const extra of again) await adopt(ctx, procurement, extra);
    return;
  }
  if (answer.kind === 'unknown') {
    await ctx.db
      .update(procurements)
      .set({ dueAt: inSeconds(15) })
      .where(eq(procurements.id, procurement.id));
    return;
  }
  if (procurement.status === 'refused') {
    await ctx.db.update(procurements).set({ dueAt: null }).where(eq(procurements.id, procurement.id));
    return;
  }
  if (procurement.status === 'not_placed') {
    const isOver = procurement.watchUntil === null || new Date(procurement.watchUntil) <= ctx.now();
    await ctx.db
      .update(procurements)
      .set({ dueAt: isOver ? null : inSeconds(600) })
      .where(eq(procurements.id, procurement.id));
    return;
  }
  const looks = procurement.lookCount + 1;
  const next = lookSeconds[looks];
  if (next !== undefined) {
    const after = sql`greatest(now(), ${procurements.createdAt} + make_interval(secs => ${next}))`;
    await ctx.db
      .update(procurements)
      .set({ lookCount: looks, dueAt: after })
      .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'unknown')));
    return;
  }
  await end(ctx, procurement, 'not_placed', 'the supplier knows of no such order', {
    dueAt: inSeconds(600),
    watchUntil: sql`now() + make_interval(hours => ${watchHours})`,
  });
}

/** The supplier has the order: what it says of it is checked against our row before anything of it is used. */
async function takePlaced(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
  const wrong = differenceOf(procurement, order);
  const isLate = procurement.status === 'not_placed' || procurement.status === 'refused';
  const placed = await move(ctx, procurement, wrong === undefined ? 'placed' : 'review', wrong ?? null, {
    supplierOrderId: order.supplierOrderId,
    unitPriceCents: order.unitPriceCents,
    atRiskCents: charged(order),
    lookCount: 0,
    dueAt: wrong === undefined ? inSeconds(pollSeconds[0] ?? 2) : null,
    // Its line was given to another supplier in the meantime: what comes late goes to stock.
    ...(isLate ? { orderLineId: null } : {}),
  });
  if (!placed) return;
  if (wrong === undefined) await takeOrder(ctx, placed, order);
  else await tellDifference(ctx, procurement, wrong);
}

/** Nothing of it is delivered; a person looks at it, and the line is bought elsewhere. */
async function tellDifference(ctx: Context, procurement: Procurement, wrong: string): Promise<void> {
  ctx.log.error(
    { procurementId: procurement.id, supplier: procurement.supplier, reason: wrong, alarm: 'supplier-mismatch' },
    'a supplier sold something else than was ordered; nothing of it is delivered',
  );
  await wakeNeed(ctx, procurement);
}

function charged(order: SuppliedOrder): SQL {
  return sql`greatest(${procurements.atRiskCents}, ${chargedCents(order)})`;
}

function chargedCents(order: SuppliedOrder): number {
  return Math.max(order.totalCents ?? 0, order.unitPriceCents * order.quantity);
}

function differenceOf(procurement: Procurement, order: SuppliedOrder): string | undefined {
  if (order.reference !== null && order.reference !== procurement.id) return 'another reference';
  if (order.productRef !== null && order.productRef !== procurement.productRef) return 'another product';
  if (order.quantity !== procurement.quantity) return 'another quantity';
  // What was taken in all counts, fees too, not only what a line of the answer says.
  if (order.unitPriceCents > procurement.unitMaxCents) return 'price above the maximum';
  if (chargedCents(order) > procurement.quantity * procurement.unitMaxCents) return 'price above the maximum';
  const { gameAccount } = procurement;
  if (order.gameAccount && gameAccount) {
    const { playerId, zone } = order.gameAccount;
    if (playerId !== gameAccount.playerId || (zone ?? '') !== (gameAccount.zone ?? '')) return 'another game account';
  }
  return undefined;
}

async function fetchUnits(ctx: Context, procurement: Procurement): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  if (!supplier || procurement.supplierOrderId === null) return;
  const mayFetch = new Date(procurement.fetchAfter) <= ctx.now();
  const answer = await supplier.fetch(procurement.supplierOrderId, mayFetch, ctx.signal);
  const looks = procurement.lookCount + 1;
  const next = ctx.now().getTime() - Date.parse(procurement.createdAt) > 1_800_000 ? 300 : (pollSeconds[looks] ?? 60);
  await ctx.db
    .update(procurements)
    .set({
      lookCount: looks,
      dueAt: sql`greatest(now() + make_interval(secs => ${next}), ${mayFetch ? sql`now()` : procurements.fetchAfter})`,
    })
    .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'placed')));
  if (answer.kind !== 'order') return;
  const { order } = answer;
  // An answer to the order may leave out its price, or what it is for: this one tells.
  const wrong = differenceOf(procurement, order);
  if (wrong === undefined) await takeOrder(ctx, procurement, order);
  else {
    const { unitPriceCents } = order;
    if (await move(ctx, procurement, 'review', wrong, { unitPriceCents, atRiskCents: charged(order), dueAt: null }))
      await tellDifference(ctx, procurement, wrong);
  }
}

async function takeOrder(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
  const isOver = order.status === 'cancelled' || order.status === 'refunded';
  const hasAnything = order.units.some((unit) => unit.state === 'ready' || unit.state === 'pending');
  // An order that came to nothing as a whole failed; where only some units were taken back, each is settled by itself.
  if (!isOver || hasAnything || procurement.settledCount > 0) await receiveUnits(ctx, procurement, order);
  const isForLater = order.units.some((unit) => unit.state === 'pre-order');
  if (isForLater && procurement.allowsPreOrder) {
    // Assigned on the day of release; a hint of the supplier makes it sooner.
    await ctx.db
      .update(procurements)
      .set({ dueAt: inSeconds(preOrderPollSeconds), reason: 'ordered for the day of release' })
      .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'placed')));
  } else if (isForLater && procurement.orderLineId !== null) {
    // Nobody asked for later. It is paid, so what comes of it some day goes to stock; the line is bought elsewhere.
    await ctx.db
      .update(procurements)
      .set({ orderLineId: null, reason: 'a pre-order instead of a code' })
      .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'placed')));
    ctx.log.error(
      { procurementId: procurement.id, supplier: procurement.supplier, alarm: 'supplier-mismatch' },
      'a supplier took an order for later; the line is bought elsewhere',
    );
    await wakeNeed(ctx, procurement);
  }
  if (isOver) {
    await end(ctx, procurement, 'cancelled', `${order.status} by the supplier`);
    await coolDown(ctx, procurement.supplier);
  }
}

/** A last look after everything came: whether the supplier made two orders of one. */
async function lookForTwins(ctx: Context, procurement: Procurement): Promise<void> {
  const answer = await ctx.suppliers
    .get(procurement.supplier)
    ?.find(procurement.id, new Date(procurement.createdAt), ctx.signal);
  if (answer?.kind === 'found')
    for (const order of answer.orders)
      if (order.supplierOrderId !== procurement.supplierOrderId) await adopt(ctx, procurement, order);
  const isOver = answer?.kind !== 'unknown' || procurement.lookCount >= 20;
  await ctx.db
    .update(procurements)
    .set({ dueAt: isOver ? null : inSeconds(300), lookCount: procurement.lookCount + 1 })
    .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'received')));
}

/** A second order under one of our references: kept as one of its own. What is being given back is not fetched, or it could not be. */
async function adopt(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  const isReturning =
    supplier !== undefined &&
    supplier.facts.returnHours > 0 &&
    (await supplier.giveBack(order.supplierOrderId)) === 'asked';
  await ctx.db.execute(sql`
    insert into procurements (id, need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, at_risk_cents, status, reason, supplier_order_id, unit_price_cents, fetch_after, due_at)
    select uuidv7(), need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, greatest(quantity::bigint * unit_max_cents, ${chargedCents(order)}),
      'placed', 'taken twice by the supplier', ${order.supplierOrderId}, ${order.unitPriceCents},
      now() + make_interval(hours => ${isReturning ? 25 : 0}), now() + interval '10 seconds'
    from procurements where id = ${procurement.id} on conflict do nothing`);
  ctx.log.error(
    { procurementId: procurement.id, supplier: procurement.supplier, alarm: 'supplier-twice' },
    'a supplier took one reference twice',
  );
}

/** The guard of each move is the status that this row was read with; `procurements_check_move` knows which there are. */
async function move(
  ctx: Context,
  procurement: Procurement,
  to: ProcurementStatus,
  reason: string | null,
  more: Record<string, unknown>,
): Promise<Procurement | undefined> {
  const [moved] = await ctx.db
    .update(procurements)
    .set({ status: to, reason, ...more })
    .where(and(eq(procurements.id, procurement.id), inArray(procurements.status, [procurement.status])))
    .returning();
  return moved;
}

/** Ends an order that brings nothing more; what its line still lacks is looked for elsewhere, now. */
async function end(
  ctx: Context,
  procurement: Procurement,
  to: ProcurementStatus,
  reason: string,
  more: Record<string, unknown> = { dueAt: null },
): Promise<void> {
  if (await move(ctx, procurement, to, reason, more)) await wakeNeed(ctx, procurement);
}

async function wakeNeed(ctx: Context, procurement: Procurement): Promise<void> {
  if (procurement.orderLineId === null) return;
  await ctx.db.execute(
    sql`update supply_needs set due_at = now() where order_line_id = ${procurement.orderLineId} and status = 'open'`,
  );
}

/** Four of ten recent orders failed: the supplier is left alone for a while. */
async function coolDown(ctx: Context, supplier: string): Promise<void> {
  const { rows } = await ctx.db.execute(sql`
    select from (
      select count(*) as total, count(*) filter (where status in ('refused', 'unknown', 'not_placed', 'cancelled')) as failed
      from (select status from procurements where supplier = ${supplier} and created_at > now() - interval '30 minutes' and status <> 'ordering' order by created_at desc limit 20) recent
    ) counted where total >= 5 and failed >= total * 0.4`);
  if (rows.length > 0) await rest(ctx, supplier, restSeconds);
}

/** Nobody orders there for so long: the statement that opens a supplier order looks at this. */
async function rest(ctx: Context, supplier: string, seconds: number): Promise<void> {
  await ctx.db.execute(sql`
    insert into supplier_states (supplier, cooldown_until) values (${supplier}, ${inSeconds(seconds)})
    on conflict (supplier) do update set cooldown_until = greatest(supplier_states.cooldown_until, excluded.cooldown_until)`);
}

function inSeconds(seconds: number): SQL {
  return sql`now() + make_interval(secs => ${seconds})`;
}
