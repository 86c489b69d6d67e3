import { eq } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { wallets } from '../db/schema.ts';

export const getWallet: Operations['getWallet'] = async (ctx) => {
  const [wallet] = await ctx.db
    .select()
    .from(wallets)
    .where(eq(wallets.customerId, requireUser(ctx).userId));
  return { balanceRial: wallet?.balanceRial ?? 0, heldRial: wallet?.heldRial ?? 0 };
};
