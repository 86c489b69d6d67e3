import type { z } from 'zod';
import {
  orderCancelled,
  orderExpired,
  orderFulfilled,
  orderPaid,
  orderPlaced,
  orderStatusChanged,
  paymentFailed,
  paymentRefunded,
  paymentReviewBegun,
  paymentSurplus,
} from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { type Notice, tell } from '../notices.ts';

export async function onOrderEvent(ctx: Context, event: EventEnvelope): Promise<void> {
  await tell(ctx, event, noticeOf(event));
}

function noticeOf(event: EventEnvelope): Notice {
  switch (event.type) {
    case orderPaid.type: {
      const order = eventData(orderPaid, event);
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
      const order = eventData(orderFulfilled, event);
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
      return statusNotice(eventData(orderPlaced, event), 'pending_payment');
    case orderCancelled.type:
      return statusNotice(eventData(orderCancelled, event), 'cancelled');
    case orderExpired.type:
      return statusNotice(eventData(orderExpired, event), 'expired');
    case orderStatusChanged.type: {
      const order = eventData(orderStatusChanged, event);
      return statusNotice(order, order.status);
    }
    case paymentFailed.type: {
      const { orderId, attemptId, customerId, reason, reviewedRial } = eventData(paymentFailed, event);
      return {
        userId: customerId,
        feed: { type: 'payment.failed', data: { orderId, attemptId, reason } },
        // Who was told that a person looks is told what came of it.
        messages: reviewedRial === undefined ? [] : [moneySms('payment-not-found', reviewedRial)],
      };
    }
    case paymentReviewBegun.type: {
      const { orderId, attemptId, customerId, amountRial } = eventData(paymentReviewBegun, event);
      return {
        userId: customerId,
        feed: { type: 'payment.review-begun', data: { orderId, attemptId } },
        messages: [moneySms('payment-review', amountRial)],
      };
    }
    case paymentRefunded.type: {
      const { orderId, orderNumber, customerId, refundRial, refundId, method } = eventData(paymentRefunded, event);
      // What staff gave back has another reason than goods that nobody could deliver.
      const template = refundId === undefined ? 'refunded' : 'paid-back';
      return {
        userId: customerId,
        feed: { type: 'payment.refunded', data: { orderId, orderNumber, refundRial, method } },
        messages: [{ channel: 'sms', template, recipient: null, params: { orderNumber, amountRial: refundRial } }],
      };
    }
    case paymentSurplus.type: {
      const { orderId, attemptId, customerId, amountRial } = eventData(paymentSurplus, event);
      return {
        userId: customerId,
        feed: { type: 'payment.surplus', data: { orderId, attemptId, amountRial } },
        messages: [moneySms('surplus', amountRial)],
      };
    }
    default:
      throw new Error(`There are no words for ${event.type}`);
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
