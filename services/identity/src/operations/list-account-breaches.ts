import { listBreaches } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';

export const listAccountBreaches: Operations['listAccountBreaches'] = (ctx, input) => listBreaches(ctx.db, input);
