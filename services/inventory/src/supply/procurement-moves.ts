import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { type ProcurementStatus, procurements } from '../db/schema.ts';

/** One order at a supplier, as our row knows it. */
export type Procurement = typeof procurements.$inferSelect;

/** How long a supplier that fails is left alone. */
export const restSeconds = 300;

/** The guard of each move is the status that this row was read with; `procurements_check_move` knows which there are. */
export async function move(
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
export async function end(
  ctx: Context,
  procurement: Procurement,
  to: ProcurementStatus,
  reason: string,
  more: Record<string, unknown> = { dueAt: null },
): Promise<void> {
  if (await move(ctx, procurement, to, reason, more)) await wakeNeed(ctx, procurement);
}

export async function wakeNeed(ctx: Context, procurement: Procurement): Promise<void> {
  if (procurement.orderLineId === null) return;
  await ctx.db.execute(
    sql`update supply_needs set due_at = now() where order_line_id = ${procurement.orderLineId} and status = 'open'`,
  );
}

/** Four of ten recent orders failed: the supplier is left alone for a while. */
export async function coolDown(ctx: Context, supplier: string): Promise<void> {
  const { rows } = await ctx.db.execute(sql`
    select from (
      select count(*) as total, count(*) filter (where status in ('refused', 'unknown', 'not_placed', 'cancelled')) as failed
      from (select status from procurements where supplier = ${supplier} and created_at > now() - interval '30 minutes' and status <> 'ordering' order by created_at desc limit 20) recent
    ) counted where total >= 5 and failed >= total * 0.4`);
  if (rows.length > 0) await rest(ctx, supplier, restSeconds);
}

/** Nobody orders there for so long: the statement that opens a supplier order looks at this. */
export async function rest(ctx: Context, supplier: string, seconds: number): Promise<void> {
  await ctx.db.execute(sql`
    insert into supplier_states (supplier, cooldown_until) values (${supplier}, ${inSeconds(seconds)})
    on conflict (supplier) do update set cooldown_until = greatest(supplier_states.cooldown_until, excluded.cooldown_until)`);
}

export function inSeconds(seconds: number): SQL {
  return sql`now() + make_interval(secs => ${seconds})`;
}
