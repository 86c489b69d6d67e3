import { listBreaches } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const listOrderBreaches: Operations['listOrderBreaches'] = (ctx, input) => listBreaches(ctx.db, input);
