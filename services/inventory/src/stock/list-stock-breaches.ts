import { listBreaches } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const listStockBreaches: Operations['listStockBreaches'] = (ctx, input) => listBreaches(ctx.db, input);
