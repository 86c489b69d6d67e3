import { categoryNotFound, slugTaken } from '@kelid/contracts/catalog';
import { sqlState } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { categories } from '../db/schema.ts';

export const createCategory: Operations['createCategory'] = async (ctx, input) => {
  const categoryId = newId();
  await ctx.db
    .insert(categories)
    .values({ id: categoryId, ...input })
    .catch((error: unknown) => {
      if (sqlState(error) === sqlStates.uniqueViolation) throw slugTaken();
      if (sqlState(error) === sqlStates.foreignKeyViolation) throw categoryNotFound();
      throw error;
    });
  return { categoryId };
};
