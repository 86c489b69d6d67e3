import { z } from 'zod';
import { Id } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { paymentBeingChecked, paymentInReview, Psp, pspUnavailable, StartedAttempt } from '../payments.ts';
import { orderNotFound, OrderStatus } from './orders.ts';

export const orderNotPayable = problem('orders.not-payable', {
  status: 409,
  title: 'This order no longer awaits a payment',
  data: z.object({ orderId: z.string(), status: OrderStatus }),
});

export const payingOperations = {
  payOrder: operation({
    method: 'POST',
    path: '/orders/{orderId}/pay',
    summary: 'A new try to pay an unpaid order',
    access: ['customer'],
    idempotent: true,
    checksSession: true,
    input: z.object({ orderId: Id, psp: Psp }),
    output: StartedAttempt,
    problems: [orderNotFound, orderNotPayable, paymentBeingChecked, paymentInReview, pspUnavailable],
  }),
  reviveOrder: operation({
    method: 'POST',
    path: '/internal/orders/{orderId}/revive',
    summary:
      'Before late money is verified: reserves the stock of an expired order again, or says that it cannot be used',
    access: ['internal'],
    input: z.object({ orderId: Id }),
    output: z.object({ isPayable: z.boolean(), status: OrderStatus }),
    problems: [orderNotFound],
  }),
};
