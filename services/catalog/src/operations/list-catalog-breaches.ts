import { listBreaches } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const listCatalogBreaches: Operations['listCatalogBreaches'] = (ctx, input) => listBreaches(ctx.db, input);
