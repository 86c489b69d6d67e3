import type { Operations } from '../context.ts';
import { pageWithdrawals } from './withdrawals.ts';

export const listAllWithdrawals: Operations['listAllWithdrawals'] = (ctx, input) => pageWithdrawals(ctx, input);
