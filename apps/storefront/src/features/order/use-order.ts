'use client';

import { useCallback, useEffect, useState } from 'react';
import type { z } from 'zod';
import type { OwnedKey } from '@kelid/contracts/inventory';
import type { Order } from '@kelid/contracts/orders';
import type { RefundMethod, RefundStatus } from '@kelid/contracts/payments';
import { type Answer, call } from '../../lib/browser-fetch.ts';
import type { Language } from '../../lib/language.ts';

export type OrderView = z.output<typeof Order>;
export type KeyView = z.output<typeof OwnedKey>;
export interface PaymentView {
  kind: 'order' | 'top-up';
  amountRial: number;
  walletRial: number;
  status: string;
  refunds: { id: string; amountRial: number; method: RefundMethod; status: RefundStatus; createdAt: string }[];
  attempts: {
    id: string;
    status: string;
    isSurplus: boolean;
    amountRial: number;
    pspReference: string | null;
    failureReason: string | null;
  }[];
}

const isMissing = (answer: Answer<unknown>) => !answer.ok && (answer.status === 404 || answer.status === 401);
const restingStatuses = new Set(['fulfilled', 'cancelled', 'expired', 'refunded', 'part_refunded']);

/**
 * An order as it is now: looked at again when the live connection says that something happened to it, and every two seconds while it
 * is moving, so that a blocked WebSocket only makes it a little slower.
 */
export function useOrder(orderId: string, language: Language, liveUrl: string) {
  const [order, setOrder] = useState<OrderView | null>();
  const [keys, setKeys] = useState<KeyView[]>([]);
  const [payment, setPayment] = useState<PaymentView>();

  const look = useCallback(async () => {
    const [orderAnswer, paymentAnswer] = await Promise.all([
      call<OrderView>('GET', `/orders/${orderId}?language=${language}`),
      call<PaymentView>('GET', `/payments/order/${orderId}`),
    ]);
    if (orderAnswer.ok) {
      setOrder(orderAnswer.value);
      if (orderAnswer.value.lines.some((line) => line.deliveredCount > 0)) {
        const keysAnswer = await call<{ items: KeyView[] }>('GET', `/orders/${orderId}/keys`);
        if (keysAnswer.ok) setKeys(keysAnswer.value.items);
      }
    } else if (isMissing(orderAnswer) && (paymentAnswer.ok || isMissing(paymentAnswer))) setOrder(null);
    if (paymentAnswer.ok) setPayment(paymentAnswer.value);
  }, [orderId, language]);

  // A top-up has no order: it rests when what became of its payment is certain.
  const isTopUpMoving =
    payment?.kind === 'top-up' &&
    !payment.attempts.some(({ status }) => ['captured', 'failed', 'abandoned', 'reversed'].includes(status));
  const isResting = order === null ? !isTopUpMoving : order !== undefined && restingStatuses.has(order.status);
  useEffect(() => {
    void look();
    if (isResting) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && void look(), 2_000);
    return () => clearInterval(timer);
  }, [look, isResting]);

  useEffect(() => {
    if (isResting) return;
    let socket: WebSocket | undefined;
    let isOver = false;
    void call<{ ticket: string }>('POST', '/ws/ticket', {}).then((answer) => {
      if (!answer.ok || isOver) return;
      socket = new WebSocket(`${liveUrl}/ws?ticket=${answer.value.ticket}`);
      socket.onmessage = (message) => {
        if (String(message.data).includes(orderId)) void look();
      };
    });
    return () => {
      isOver = true;
      socket?.close();
    };
  }, [look, orderId, liveUrl, isResting]);

  return { order, keys, payment, look };
}
