import { orderNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { findOrderWithLines } from '../orders/orders.ts';
import { unitsPaidRial } from './refunds.rules.ts';

/** The first unit of a line is the first of its list. */
export const getPaidUnits: Operations['getPaidUnits'] = async (ctx, { orderId }) => {
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found) throw orderNotFound();
  return { lines: found.lines.map((line) => ({ orderLineId: line.id, unitsRial: unitsPaidRial(line) })) };
};
