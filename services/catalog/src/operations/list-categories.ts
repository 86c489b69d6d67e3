import type { Operations } from '../context.ts';
import { categoryTree } from '../db/queries.ts';

export const listCategories: Operations['listCategories'] = async (ctx, { language }) => ({
  items: await categoryTree(ctx, language),
});
