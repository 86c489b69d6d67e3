import { z } from 'zod';
import { AmountRial, Id } from '../common.ts';
import { operation } from '../contract.ts';
import { orderNotFound } from './orders.ts';

export const fulfillingOperations = {
  getPaidUnits: operation({
    method: 'GET',
    path: '/internal/orders/{orderId}/units',
    summary: 'What was paid for each unit of an order, with its share of discount and VAT; the fee is of none',
    access: ['internal'],
    input: z.object({ orderId: Id }),
    output: z.object({ lines: z.array(z.object({ orderLineId: Id, unitsRial: z.array(AmountRial) })) }),
    problems: [orderNotFound],
  }),
};
