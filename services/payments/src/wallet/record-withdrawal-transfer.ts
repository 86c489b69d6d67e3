import type { Operations } from '../context.ts';
import { endWithdrawal } from '../db/queries.ts';

export const recordWithdrawalTransfer: Operations['recordWithdrawalTransfer'] = (ctx, { withdrawalId, reference }) =>
  endWithdrawal(ctx, withdrawalId, 'sent', reference, 'sent to the bank account');
