import { settleBreach } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const settleStockBreach: Operations['settleStockBreach'] = (ctx, input) => settleBreach(ctx, input);
