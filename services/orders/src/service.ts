import { join } from 'node:path';
import { ordersContract } from '@kelid/contracts/orders';
import { defineService } from '@kelid/service/define-service';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { OrdersConfig } from './config.ts';
import type { Context } from './context.ts';
import { addCartItem } from './carts/add-cart-item.ts';
import { deleteCartCoupon } from './carts/delete-cart-coupon.ts';
import { deleteCartItem } from './carts/delete-cart-item.ts';
import { dropOldRows } from './carts/drop-old-rows.ts';
import { getCart } from './carts/get-cart.ts';
import { putCartCoupon } from './carts/put-cart-coupon.ts';
import { updateCartItem } from './carts/update-cart-item.ts';
import { createCoupon } from './coupons/create-coupon.ts';
import { listCouponUses } from './coupons/list-coupon-uses.ts';
import { listCoupons } from './coupons/list-coupons.ts';
import { updateCoupon } from './coupons/update-coupon.ts';
import { getPaidUnits } from './fulfilling/get-paid-units.ts';
import { onKeyRefundDue } from './fulfilling/on-key-refund-due.ts';
import { onKeysAllocated } from './fulfilling/on-keys-allocated.ts';
import { onPaymentRefunded } from './fulfilling/on-payment-refunded.ts';
import { onSupplyFailed } from './fulfilling/on-supply-failed.ts';
import { cancelOrder } from './orders/cancel-order.ts';
import { getOrderHistory } from './orders/get-order-history.ts';
import { getOrder } from './orders/get-order.ts';
import { listAllOrders } from './orders/list-all-orders.ts';
import { listOrderBreaches } from './orders/list-order-breaches.ts';
import { listOrders } from './orders/list-orders.ts';
import { settleOrderBreach } from './orders/settle-order-breach.ts';
import { updateOrderStatus } from './orders/update-order-status.ts';
import { updateOrderTracking } from './orders/update-order-tracking.ts';
import { moveDueOrders } from './paying/move-due-orders.ts';
import { onPaymentCaptured } from './paying/on-payment-captured.ts';
import { onPaymentFailed } from './paying/on-payment-failed.ts';
import { onPaymentReviewBegun } from './paying/on-payment-review-begun.ts';
import { onPaymentSurplus } from './paying/on-payment-surplus.ts';
import { payOrder } from './paying/pay-order.ts';
import { reviveOrder } from './paying/revive-order.ts';
import { checkout } from './placing/checkout.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const ordersService = defineService({
  contract: ordersContract,
  peers: ['catalog', 'inventory', 'payments'],
  migrationsFolder,
  config: OrdersConfig,
  createParts: (config) => ({ config }),
  operations: {
    // carts
    getCart,
    addCartItem,
    updateCartItem,
    deleteCartItem,
    putCartCoupon,
    deleteCartCoupon,
    // coupons
    createCoupon,
    listCoupons,
    listCouponUses,
    updateCoupon,
    // placing
    checkout,
    // paying
    payOrder,
    reviveOrder,
    // fulfilling
    getPaidUnits,
    // orders
    listOrderBreaches,
    settleOrderBreach,
    listOrders,
    getOrder,
    getOrderHistory,
    cancelOrder,
    listAllOrders,
    updateOrderStatus,
    updateOrderTracking,
  },
  events: {
    'payment.captured': onPaymentCaptured,
    'payment.failed': onPaymentFailed,
    'payment.refunded': onPaymentRefunded,
    'payment.review-begun': onPaymentReviewBegun,
    'payment.surplus': onPaymentSurplus,
    'keys.allocated': onKeysAllocated,
    'key.refund-due': onKeyRefundDue,
    'supply.failed': onSupplyFailed,
  },
  sweeps: [
    watchInvariants<Context>(migrationsFolder),
    { name: 'move-due-orders', everyMs: 2_000, run: moveDueOrders },
    { name: 'drop-old-rows', everyMs: 600_000, run: dropOldRows },
  ],
});
