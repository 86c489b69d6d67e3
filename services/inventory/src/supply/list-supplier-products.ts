import { serviceUnavailable } from '@kelid/contracts/common';
import { supplierUnknown } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';

export const listSupplierProducts: Operations['listSupplierProducts'] = async (ctx, { supplier: name, cursor }) => {
  const supplier = ctx.suppliers.get(name);
  if (!supplier) throw supplierUnknown();
  const page = await supplier.listProducts(cursor ?? null, ctx.signal);
  if (page.kind === 'unknown') throw serviceUnavailable({ retryAfterSeconds: 30 });
  return { items: page.items, nextCursor: page.nextCursor };
};
