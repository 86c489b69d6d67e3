import { contract } from './contract.ts';
import {
  keyRefundDue,
  keysAllocated,
  paymentCaptured,
  paymentFailed,
  paymentRefunded,
  paymentReviewBegun,
  paymentSurplus,
  supplyFailed,
} from './events.ts';
import { orderOperations } from './orders/orders.ts';
import { couponOperations } from './orders/coupons.ts';
import { cartOperations } from './orders/carts.ts';
import { placingOperations } from './orders/placing.ts';
import { payingOperations } from './orders/paying.ts';
import { fulfillingOperations } from './orders/fulfilling.ts';

export * from './orders/orders.ts';
export * from './orders/coupons.ts';
export * from './orders/carts.ts';
export * from './orders/placing.ts';
export * from './orders/paying.ts';
export * from './orders/fulfilling.ts';

/** Parted as the service is: what a room does is in the file of its name. */
export const ordersContract = contract(
  'orders',
  {
    ...orderOperations,
    ...couponOperations,
    ...cartOperations,
    ...placingOperations,
    ...payingOperations,
    ...fulfillingOperations,
  },
  paymentCaptured,
  paymentFailed,
  paymentReviewBegun,
  paymentSurplus,
  paymentRefunded,
  keysAllocated,
  supplyFailed,
  keyRefundDue,
);
