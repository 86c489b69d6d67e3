import { eq } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { customerLevels } from '../db/schema.ts';

/** How far a customer is known; 0 who was never looked at. */
export async function levelOf(ctx: Context, customerId: string): Promise<number> {
  const [known] = await ctx.db
    .select({ level: customerLevels.level })
    .from(customerLevels)
    .where(eq(customerLevels.customerId, customerId));
  return known?.level ?? 0;
}
