import { and, desc, eq, isNull, lt, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { type InvariantBreach, breachNotFound } from '@kelid/contracts/monitoring';
import { type BaseContext, type Db, requireUser } from './context.ts';
import { pageOf } from './page.ts';
import { invariantBreaches } from './tables.ts';

type Breach = z.input<typeof InvariantBreach>;

export async function listBreaches(
  db: Db,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: Breach[]; nextCursor: string | null }> {
  const rows = await db
    .select()
    .from(invariantBreaches)
    .where(cursor === undefined ? undefined : lt(invariantBreaches.id, cursor))
    .orderBy(desc(invariantBreaches.id))
    .limit(limit + 1);
  const { items: found, nextCursor } = pageOf(rows, limit);
  return { items: found.map(show), nextCursor };
}

/** Staff have looked at it: what was stopped for it is sold again, and it stays in the list with who and why. */
export async function settleBreach(
  ctx: BaseContext,
  { breachId, reason }: { breachId: string; reason: string },
): Promise<Breach> {
  const { userId } = requireUser(ctx);
  await ctx.db
    .update(invariantBreaches)
    .set({ settledAt: sql`now()`, settledBy: userId, settleReason: reason })
    .where(and(eq(invariantBreaches.id, breachId), isNull(invariantBreaches.settledAt)));
  const [row] = await ctx.db.select().from(invariantBreaches).where(eq(invariantBreaches.id, breachId));
  if (!row) throw breachNotFound();
  return show(row);
}

/** Those of these variants that a breach stops. */
export async function stoppedVariants(db: Db, variantIds: string[]): Promise<string[]> {
  const { rows } = await db.execute<{ variantId: string }>(sql`
    select distinct variant_id as "variantId" from invariant_breaches
    where settled_at is null and variant_id = any(${sql.param(variantIds)}::uuid[])`);
  return rows.map((row) => row.variantId);
}

function show(row: typeof invariantBreaches.$inferSelect): Breach {
  return {
    ...row,
    foundAt: new Date(row.foundAt).toISOString(),
    settledAt: row.settledAt === null ? null : new Date(row.settledAt).toISOString(),
  };
}
