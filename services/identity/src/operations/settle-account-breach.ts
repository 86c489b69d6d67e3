import { settleBreach } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const settleAccountBreach: Operations['settleAccountBreach'] = (ctx, input) => settleBreach(ctx, input);
