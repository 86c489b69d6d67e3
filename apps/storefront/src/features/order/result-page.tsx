'use client';

import { useEffect, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { call } from '../../lib/browser-fetch.ts';
import { goToBank, type Payment } from '../../lib/to-bank.ts';
import { fill, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { type OrderView, type PaymentView, useOrder } from './use-order.ts';

type State = 'confirming' | 'success' | 'failed' | 'unknown' | 'surplus' | 'dead';

/** What became of one attempt, from our own rows; nothing that the bank put into the address is looked at. */
function stateOf(order: OrderView, payment: PaymentView | undefined, attemptId: string): State {
  const attempt = payment?.attempts.find((candidate) => candidate.id === attemptId) ?? payment?.attempts.at(-1);
  if (attempt?.isSurplus) return 'surplus';
  if (['paid', 'fulfilling', 'part_fulfilled', 'fulfilled', 'review'].includes(order.status)) return 'success';
  if (attempt?.status === 'failed' || attempt?.status === 'abandoned')
    return order.status === 'pending_payment' ? 'failed' : 'dead';
  if (order.status === 'cancelled' || order.status === 'expired')
    return attempt?.status === 'captured' ? 'confirming' : 'dead';
  if (attempt?.status === 'unknown' || attempt?.status === 'review') return 'unknown';
  return 'confirming';
}

export function ResultPage({
  orderId,
  attemptId,
  language,
  m,
  liveUrl,
}: {
  orderId: string;
  attemptId: string;
  language: Language;
  m: Messages['result'];
  liveUrl: string;
}) {
  const { order, payment } = useOrder(orderId, language, liveUrl);
  const [isBusy, setIsBusy] = useState(false);
  const state = order ? stateOf(order, payment, attemptId) : order === null ? 'dead' : 'confirming';
  const attempt = payment?.attempts.find((candidate) => candidate.id === attemptId);
  const orderHref = pathIn(language, `/orders/${orderId}`);

  useEffect(() => {
    if (state !== 'success') return;
    // Long enough to read that it worked; the codes are on the order's page.
    const timer = setTimeout(() => location.replace(orderHref), 1_200);
    return () => clearTimeout(timer);
  }, [state, orderHref]);

  async function payAgain() {
    setIsBusy(true);
    const answer = await call<Payment>(
      'POST',
      `/orders/${orderId}/pay`,
      { psp: 'zarinpal' },
      { 'idempotency-key': crypto.randomUUID() },
    );
    if (answer.ok) goToBank(answer.value, location.href);
    else setIsBusy(false);
  }

  const texts: Record<State, [string, string]> = {
    confirming: [m.confirming, m.confirmingText],
    success: [m.success, m.successText],
    failed: [m.failed, m.failedText],
    unknown: [m.unknown, m.unknownText],
    surplus: [m.surplus, fill(m.surplusText, { amount: formatToman(attempt?.amountRial ?? 0, language) })],
    dead: [m.dead, m.deadText],
  };
  const [title, text] = texts[state];
  return (
    <section className="card result" aria-live="polite" data-state={state}>
      <span
        className={`mark ${state === 'success' ? 'good' : state === 'failed' || state === 'dead' ? 'bad' : state === 'surplus' ? '' : 'wait'}`}
        aria-hidden="true"
      >
        {state === 'success' || state === 'surplus' ? '✓' : state === 'failed' || state === 'dead' ? '!' : ''}
      </span>
      <h1>{title}</h1>
      <p className="soft" style={{ maxWidth: '44ch' }}>
        {text}
      </p>
      {attempt?.pspReference && (
        <p className="small">
          {m.reference}:{' '}
          <bdi dir="ltr" className="code" style={{ fontSize: '1rem' }}>
            {attempt.pspReference}
          </bdi>
        </p>
      )}
      <div className="row">
        {state === 'failed' && (
          <button type="button" className="button main" disabled={isBusy} onClick={() => void payAgain()}>
            {m.again}
          </button>
        )}
        <a className="button" href={orderHref}>
          {m.order}
        </a>
      </div>
    </section>
  );
}
