import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { pageWithdrawals } from '../db/queries.ts';

export const listWithdrawals: Operations['listWithdrawals'] = (ctx, input) =>
  pageWithdrawals(ctx, { ...input, customerId: requireUser(ctx).userId });
