import { settleBreach } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const settleMessageBreach: Operations['settleMessageBreach'] = (ctx, input) => settleBreach(ctx, input);
