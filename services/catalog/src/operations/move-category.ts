import { eq, sql } from 'drizzle-orm';
import { categoryCycle, categoryNotFound } from '@kelid/contracts/catalog';
import { sqlState } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { categories } from '../db/schema.ts';

export const moveCategory: Operations['moveCategory'] = async (ctx, { categoryId, parentId, position }) => {
  const moved = await ctx
    .transaction(async (tx) => {
      // Two moves at once could close a circle that neither sees: they take turns.
      await tx.execute(sql`select pg_advisory_xact_lock(7310)`);
      return tx
        .update(categories)
        .set({ parentId, position })
        .where(eq(categories.id, categoryId))
        .returning({ id: categories.id });
    })
    .catch((error: unknown) => {
      if (sqlState(error) === sqlStates.categoryCycle) throw categoryCycle();
      if (sqlState(error) === sqlStates.foreignKeyViolation) throw categoryNotFound();
      throw error;
    });
  if (moved.length === 0) throw categoryNotFound();
  return { categoryId };
};
