import { settleBreach } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const settleOrderBreach: Operations['settleOrderBreach'] = (ctx, input) => settleBreach(ctx, input);
