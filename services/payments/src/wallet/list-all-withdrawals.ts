import type { Operations } from '../context.ts';
import { pageWithdrawals } from '../db/queries.ts';

export const listAllWithdrawals: Operations['listAllWithdrawals'] = (ctx, input) => pageWithdrawals(ctx, input);
