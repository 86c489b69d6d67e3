import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, ownAffair, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { ShownGameAccount } from '../game-account.ts';
import { listBreachesOf, settleBreachOf } from '../monitoring.ts';

export const OrderStatus = z.enum([
  'placing',
  'pending_payment',
  'paid',
  'fulfilling',
  'part_fulfilled',
  'fulfilled',
  'cancelled',
  'expired',
  'review',
  'refunding',
  'part_refunded',
  'refunded',
]);
export type OrderStatus = z.infer<typeof OrderStatus>;
export const LineStatus = z.enum(['pending', 'securing', 'delivered', 'refunded']);

export const orderNotFound = problem('orders.not-found', { status: 404, title: 'No such order' });
export const orderNotCancellable = problem('orders.not-cancellable', {
  status: 409,
  title: 'Only an unpaid order can be cancelled',
  data: z.object({ orderId: z.string(), status: OrderStatus }),
});
export const orderMoveRefused = problem('orders.move-refused', {
  status: 409,
  title: 'An order cannot go from there to here',
  data: z.object({ from: OrderStatus, to: OrderStatus }),
});

export const OrderLine = z.object({
  id: Id,
  variantId: Id,
  productSlug: z.string(),
  title: z.string(),
  variantTitle: z.string(),
  region: z.string(),
  platform: z.string(),
  image: z.string().nullable(),
  quantity: z.int(),
  unitPriceRial: AmountRial,
  status: LineStatus,
  deliveredCount: z.int(),
  /** Where a top-up goes, with the nickname that was shown before paying. */
  gameAccount: ShownGameAccount.nullable(),
  /** A pre-order is delivered from this day. */
  releasesOn: z.iso.date().nullable(),
});
export const Order = z.object({
  id: Id,
  orderNumber: z.string(),
  status: OrderStatus,
  lines: z.array(OrderLine),
  coupons: z.array(z.object({ code: z.string(), discountRial: AmountRial })),
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
  totalRial: AmountRial,
  contact: z.object({ phone: z.string().optional(), email: z.string().optional() }),
  note: z.string().nullable(),
  placedAt: Instant,
  holdExpiresAt: Instant.nullable(),
  paidAt: Instant.nullable(),
  fulfilledAt: Instant.nullable(),
});
export const OrderSummary = Order.pick({
  id: true,
  orderNumber: true,
  status: true,
  totalRial: true,
  placedAt: true,
}).extend({
  lines: z.array(OrderLine.pick({ id: true, title: true, quantity: true, image: true })),
});
/** An order in the lists of staff. */
export const StaffOrderSummary = OrderSummary.extend({
  customerId: Id,
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
});
export const Lang = { language: z.enum(['fa', 'en']).default('fa') };

export const orderOperations = {
  listOrderBreaches: listBreachesOf('orders'),
  settleOrderBreach: settleBreachOf('orders'),
  listOrders: operation({
    method: 'GET',
    path: '/orders',
    summary: "The customer's orders, newest first",
    access: ['customer'],
    input: z.object({ limit: Limit, cursor: IdCursor, status: OrderStatus.optional(), ...Lang }),
    output: page(OrderSummary),
  }),
  getOrder: operation({
    method: 'GET',
    path: '/orders/{orderId}',
    summary: 'One own order',
    access: ['customer'],
    input: z.object({ orderId: Id, ...Lang }),
    output: Order,
    problems: [orderNotFound],
  }),
  getOrderHistory: operation({
    method: 'GET',
    path: '/orders/{orderId}/history',
    summary: 'Each move of an own order',
    access: ['customer'],
    input: z.object({ orderId: Id }),
    output: z.object({
      items: z.array(z.object({ from: OrderStatus.nullable(), to: OrderStatus, reason: z.string(), at: Instant })),
      nextCursor: z.null(),
    }),
    problems: [orderNotFound],
  }),
  cancelOrder: operation({
    method: 'POST',
    path: '/orders/{orderId}/cancel',
    summary: 'Cancels an unpaid order and gives its stock back',
    access: ['customer'],
    input: z.object({ orderId: Id, ...Lang }),
    output: Order,
    problems: [orderNotFound, orderNotCancellable],
  }),
  listAllOrders: operation({
    method: 'GET',
    path: '/admin/orders',
    summary: 'Orders of everybody, newest first',
    access: ['admin', 'support'],
    showsCustomers: true,
    input: z.object({ limit: Limit, cursor: IdCursor, status: OrderStatus.optional(), ...Lang }),
    output: page(StaffOrderSummary),
  }),
  updateOrderStatus: operation({
    method: 'PATCH',
    path: '/admin/orders/{orderId}/status',
    summary: 'A move that a person decides: into review, out of review, cancel',
    access: ['admin'],
    checksSession: true,
    input: z.object({
      orderId: Id,
      status: z.enum(['review', 'fulfilling', 'cancelled']),
      reason: z.string().min(3).max(500),
    }),
    output: z.object({ orderId: Id, status: OrderStatus }),
    problems: [orderNotFound, orderMoveRefused, ownAffair],
  }),
  updateOrderTracking: operation({
    method: 'PUT',
    path: '/admin/orders/{orderId}/tracking',
    summary: 'A line that the owner sees on the order page',
    access: ['admin', 'support'],
    checksSession: true,
    input: z.object({ orderId: Id, note: z.string().max(500).nullable() }),
    output: z.object({ orderId: Id, note: z.string().nullable() }),
    problems: [orderNotFound],
  }),
};
