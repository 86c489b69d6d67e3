import type { z } from 'zod';
import type { Delivered } from '@kelid/contracts/contract';
import {
  orderCancelled,
  orderExpired,
  orderFulfilled,
  orderPaid,
  orderPlaced,
  orderStatusChanged,
  paymentFailed,
  paymentRefunded,
  paymentRefundRefused,
  paymentReviewBegun,
  paymentSurplus,
} from '@kelid/contracts/events';
import type { notificationsContract } from '@kelid/contracts/notifications';
import type { Context } from '../context.ts';
import { type Notice, tell } from '../notices.ts';

/** Whatever notifications hears of, but the end of a session. */
type OrderEvent = Exclude<
  Delivered<(typeof notificationsContract)['subscribesTo'][number]>,
  { type: 'session.revoked' }
>;

export async function onOrderEvent(ctx: Context, event: OrderEvent): Promise<void> {
  await tell(ctx, event, noticeOf(event));
}

function noticeOf(event: OrderEvent): Notice {
  switch (event.type) {
    case orderPaid.type: {
      const order = event.data;
      const { orderId, orderNumber, customerId, totalRial, contact } = order;
      // The receipt goes where it can be kept: by e-mail to who gave one, else by SMS.
      const receipt = contact.email
        ? { channel: 'email' as const, template: 'receipt', recipient: contact.email, params: mailParams(order) }
        : {
            channel: 'sms' as const,
            template: 'receipt',
            recipient: contact.phone ?? null,
            params: { orderNumber, amountRial: totalRial },
          };
      return { userId: customerId, feed: statusEntry(orderId, orderNumber, 'paid'), messages: [receipt] };
    }
    case orderFulfilled.type: {
      const order = event.data;
      const { orderId, orderNumber, customerId, contact } = order;
      const sms = {
        channel: 'sms' as const,
        template: 'key-ready',
        recipient: contact.phone ?? null,
        params: { orderNumber },
      };
      const mail = contact.email
        ? [{ channel: 'email' as const, template: 'key-ready', recipient: contact.email, params: mailParams(order) }]
        : [];
      return { userId: customerId, feed: statusEntry(orderId, orderNumber, 'fulfilled'), messages: [sms, ...mail] };
    }
    case orderPlaced.type:
      return statusNotice(event.data, 'pending_payment');
    case orderCancelled.type:
      return statusNotice(event.data, 'cancelled');
    case orderExpired.type:
      return statusNotice(event.data, 'expired');
    case orderStatusChanged.type: {
      const order = event.data;
      return statusNotice(order, order.status);
    }
    case paymentFailed.type: {
      const { orderId, attemptId, customerId, reason, reviewedRial } = event.data;
      return {
        userId: customerId,
        feed: { type: 'payment.failed', data: { orderId, attemptId, reason } },
        // Who was told that a person looks is told what came of it.
        messages: reviewedRial === undefined ? [] : [moneySms('payment-not-found', reviewedRial)],
      };
    }
    case paymentReviewBegun.type: {
      const { orderId, attemptId, customerId, amountRial } = event.data;
      return {
        userId: customerId,
        feed: { type: 'payment.review-begun', data: { orderId, attemptId } },
        messages: [moneySms('payment-review', amountRial)],
      };
    }
    case paymentRefunded.type: {
      const { orderId, orderNumber, customerId, refundRial, refundId, method } = event.data;
      // What staff gave back has another reason than goods that nobody could deliver.
      const template = refundId === undefined ? 'refunded' : 'paid-back';
      return {
        userId: customerId,
        feed: { type: 'payment.refunded', data: { orderId, orderNumber, refundRial, method } },
        messages: [{ channel: 'sms', template, recipient: null, params: { orderNumber, amountRial: refundRial } }],
      };
    }
    case paymentRefundRefused.type: {
      const { orderId, orderNumber, customerId, refundRial } = event.data;
      const params = { orderNumber, amountRial: refundRial };
      return {
        userId: customerId,
        feed: { type: 'payment.refund-refused', data: { orderId, orderNumber, refundRial } },
        messages: [{ channel: 'sms', template: 'refund-refused', recipient: null, params }],
      };
    }
    case paymentSurplus.type: {
      const { orderId, attemptId, customerId, amountRial } = event.data;
      return {
        userId: customerId,
        feed: { type: 'payment.surplus', data: { orderId, attemptId, amountRial } },
        messages: [moneySms('surplus', amountRial)],
      };
    }
  }
}

function statusNotice(order: { orderId: string; orderNumber: string; customerId: string }, status: string): Notice {
  return { userId: order.customerId, feed: statusEntry(order.orderId, order.orderNumber, status), messages: [] };
}

/** About money of a customer, whatever it was paid for: an order or a top-up. To the account's own phone. */
function moneySms(template: string, amountRial: number): Notice['messages'][number] {
  return { channel: 'sms', template, recipient: null, params: { amountRial } };
}

function statusEntry(orderId: string, orderNumber: string, status: string) {
  return { type: 'order.status-changed', data: { orderId, orderNumber, status } };
}

function mailParams(order: z.infer<typeof orderPaid.schema> | z.infer<typeof orderFulfilled.schema>) {
  return {
    orderId: order.orderId,
    orderNumber: order.orderNumber,
    totalRial: order.totalRial,
    lines: order.lines.map((line) => ({
      title: line.title.fa,
      quantity: line.quantity,
      unitPriceRial: line.unitPriceRial,
    })),
  };
}
