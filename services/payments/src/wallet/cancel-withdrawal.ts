import { withdrawalNotFound } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { endWithdrawal, findWithdrawal } from './withdrawals.ts';

/** `payments_end_withdrawal` takes back only what nobody has approved. */
export const cancelWithdrawal: Operations['cancelWithdrawal'] = async (ctx, { withdrawalId }) => {
  const { withdrawal } = await findWithdrawal(ctx, withdrawalId);
  // Another person's is not there at all.
  if (withdrawal.customerId !== requireUser(ctx).userId) throw withdrawalNotFound();
  return endWithdrawal(ctx, withdrawalId, 'cancelled', null, 'taken back by its owner');
};
