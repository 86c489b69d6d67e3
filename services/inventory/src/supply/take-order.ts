import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { procurements } from '../db/schema.ts';
import type { SuppliedOrder } from '../providers/supplier.ts';
import { coolDown, end, inSeconds, move, type Procurement, wakeNeed } from './procurement-moves.ts';
import { receiveUnits } from './receiving.ts';

/** When an order that is placed is looked at, in seconds from one look to the next; then every minute, after half an hour every five. */
const pollSeconds = [2, 3, 5, 20];
const preOrderPollSeconds = 1_800;

/** The supplier has the order: what it says of it is checked against our row before anything of it is used. */
export async function takePlaced(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
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

export async function fetchUnits(ctx: Context, procurement: Procurement): Promise<void> {
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

export function chargedCents(order: SuppliedOrder): number {
  return Math.max(order.totalCents ?? 0, order.unitPriceCents * order.quantity);
}
