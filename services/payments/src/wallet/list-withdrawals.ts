import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { pageWithdrawals } from './withdrawals.ts';

export const listWithdrawals: Operations['listWithdrawals'] = (ctx, input) =>
  pageWithdrawals(ctx, { ...input, customerId: requireUser(ctx).userId });
