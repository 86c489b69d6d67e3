import type { Operations } from '../context.ts';
import { staffViewCustomers } from '../db/schema.ts';

export const recordViewedCustomers: Operations['recordViewedCustomers'] = async (ctx, { viewId, customerIds }) => {
  await ctx.db
    .insert(staffViewCustomers)
    .values(customerIds.map((customerId) => ({ viewId, customerId })))
    .onConflictDoNothing();
  return undefined;
};
