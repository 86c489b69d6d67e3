import type { Operations } from '../context.ts';
import { endWithdrawal } from './withdrawals.ts';

export const recordWithdrawalTransfer: Operations['recordWithdrawalTransfer'] = (ctx, { withdrawalId, reference }) =>
  endWithdrawal(ctx, withdrawalId, 'sent', reference, 'sent to the bank account');
