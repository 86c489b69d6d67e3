'use client';

import { useCallback, useEffect, useState } from 'react';
import { type Answer, shop, type ValueOf } from '../../lib/shop.ts';
import type { Language } from '../../lib/language.ts';

export type OrderView = ValueOf<typeof shop.orders.getOrder>;
export type KeyView = ValueOf<typeof shop.inventory.listOrderKeys>['items'][number];
export type PaymentView = ValueOf<typeof shop.payments.getOrderPayments>;

/** Money that a bank is asked for, or that staff look for in the shop's account: nobody is to pay a second time meanwhile. */
export type Sought = 'asking' | { transferId: string } | undefined;

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
  const [sought, setSought] = useState<Sought>();

  const look = useCallback(async () => {
    const [orderAnswer, paymentAnswer] = await Promise.all([
      shop.orders.getOrder({ orderId, language }),
      shop.payments.getOrderPayments({ orderId }),
    ]);
    if (orderAnswer.ok) {
      setOrder(orderAnswer.value);
      if (orderAnswer.value.lines.some((line) => line.deliveredCount > 0)) {
        const keysAnswer = await shop.inventory.listOrderKeys({ orderId });
        if (keysAnswer.ok) setKeys(keysAnswer.value.items);
      }
    } else if (isMissing(orderAnswer) && (paymentAnswer.ok || isMissing(paymentAnswer))) setOrder(null);
    if (paymentAnswer.ok) {
      setSought(await soughtIn(paymentAnswer.value));
      setPayment(paymentAnswer.value);
    }
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
    void shop.identity.createWsTicket({}).then((answer) => {
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

  return { order, keys, payment, sought, look };
}

async function soughtIn({ attempts }: PaymentView): Promise<Sought> {
  if (attempts.some(({ status }) => status === 'verifying' || status === 'unknown')) return 'asking';
  for (const { id, psp, status } of attempts) {
    if (psp !== 'card-to-card' || status !== 'redirected') continue;
    const transfer = await shop.payments.getTransfer({ attemptId: id });
    if (transfer.ok && transfer.value.status === 'submitted') return { transferId: id };
  }
  return undefined;
}
