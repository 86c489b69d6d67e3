import { listBreaches } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const listMessageBreaches: Operations['listMessageBreaches'] = (ctx, input) => listBreaches(ctx.db, input);
