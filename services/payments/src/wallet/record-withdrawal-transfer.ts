import type { Operations } from '../context.ts';
import { endWithdrawal } from './withdrawals.ts';

/** `payments_end_withdrawal` takes out of the books what was held, once. */
export const recordWithdrawalTransfer: Operations['recordWithdrawalTransfer'] = (ctx, { withdrawalId, reference }) =>
  endWithdrawal(ctx, withdrawalId, 'sent', reference, 'sent to the bank account');
