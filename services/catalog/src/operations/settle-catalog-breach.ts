import { settleBreach } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const settleCatalogBreach: Operations['settleCatalogBreach'] = (ctx, input) => settleBreach(ctx, input);
