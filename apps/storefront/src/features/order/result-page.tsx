'use client';

import { useEffect } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { fill, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { PayOrder } from './pay-order.tsx';
import { type OrderView, type PaymentView, type Sought, useOrder } from './use-order.ts';

type State =
  | 'confirming'
  | 'success'
  | 'failed'
  | 'unknown'
  | 'review'
  | 'surplus'
  | 'dead'
  | 'topped-up'
  | 'top-up-failed';

/** What became of one attempt, from our own rows; nothing that the bank put into the address is looked at. */
function stateOf(order: OrderView, payment: PaymentView | undefined, attemptId: string, sought: Sought): State {
  const attempt = payment?.attempts.find((candidate) => candidate.id === attemptId) ?? payment?.attempts.at(-1);
  if (attempt?.isSurplus) return 'surplus';
  if (attempt?.status === 'review' || (order.status === 'review' && order.paidAt === null))
    return attempt?.status === 'unknown' || attempt?.status === 'verifying' ? 'unknown' : 'review';
  if (['paid', 'fulfilling', 'part_fulfilled', 'fulfilled', 'review'].includes(order.status)) return 'success';
  if (attempt && ['failed', 'abandoned', 'reversed'].includes(attempt.status)) {
    if (order.status !== 'pending_payment') return 'dead';
    return sought ? 'unknown' : 'failed'; // By another way, tried before.
  }
  if (order.status === 'cancelled' || order.status === 'expired') {
    if (attempt?.status === 'unknown') return 'unknown';
    return attempt?.status === 'captured' ? 'confirming' : 'dead';
  }
  if (attempt?.status === 'unknown') return 'unknown';
  return 'confirming';
}

/** The same for a top-up of the wallet, which has no order. */
function topUpStateOf(payment: PaymentView, attemptId: string): State {
  const attempt = payment.attempts.find((candidate) => candidate.id === attemptId) ?? payment.attempts.at(-1);
  if (attempt?.status === 'captured') return 'topped-up';
  if (attempt && ['failed', 'abandoned', 'reversed'].includes(attempt.status)) return 'top-up-failed';
  if (attempt?.status === 'unknown') return 'unknown';
  if (attempt?.status === 'review') return 'review';
  return 'confirming';
}

const marks: Record<State, ['good' | 'bad' | 'wait' | '', '✓' | '!' | '']> = {
  confirming: ['wait', ''],
  success: ['good', '✓'],
  failed: ['bad', '!'],
  unknown: ['wait', ''],
  review: ['wait', ''],
  surplus: ['', '✓'],
  dead: ['bad', '!'],
  'topped-up': ['good', '✓'],
  'top-up-failed': ['bad', '!'],
};

export function ResultPage({
  orderId,
  attemptId,
  language,
  m,
  banks,
  liveUrl,
}: {
  orderId: string;
  attemptId: string;
  language: Language;
  m: Messages['result'];
  banks: Messages['banks'];
  liveUrl: string;
}) {
  const { order, payment, sought } = useOrder(orderId, language, liveUrl);
  const isTopUp = payment?.kind === 'top-up';
  const state = isTopUp
    ? topUpStateOf(payment, attemptId)
    : order
      ? stateOf(order, payment, attemptId, sought)
      : order === null
        ? 'dead'
        : 'confirming';
  const attempt = payment?.attempts.find((candidate) => candidate.id === attemptId);
  const orderHref = pathIn(language, `/orders/${orderId}`);

  useEffect(() => {
    if (state !== 'success') return;
    // Long enough to read that it worked; the codes are on the order's page.
    const timer = setTimeout(() => location.replace(orderHref), 1_200);
    return () => clearTimeout(timer);
  }, [state, orderHref]);

  const amount = formatToman(attempt?.amountRial ?? payment?.amountRial ?? 0, language);
  const texts: Record<State, [string, string]> = {
    confirming: [m.confirming, m.confirmingText],
    success: [m.success, m.successText],
    failed: [m.failed, m.failedText],
    unknown: [m.unknown, m.unknownText],
    review: [m.review, m.reviewText],
    surplus: [m.surplus, fill(m.surplusText, { amount })],
    dead: [m.dead, m.deadText],
    'topped-up': [m.toppedUp, fill(m.toppedUpText, { amount })],
    'top-up-failed': [m.topUpFailed, m.topUpFailedText],
  };
  const [title, text] = texts[state];
  const [tone, mark] = marks[state];
  const toOrder = (
    <a className="button" href={orderHref}>
      {m.order}
    </a>
  );
  return (
    <section className="card result" aria-live="polite" data-state={state}>
      <span className={`mark ${tone}`} aria-hidden="true">
        {mark}
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
      {isTopUp ? (
        <a className="button main" href={pathIn(language, '/wallet')}>
          {m.wallet}
        </a>
      ) : state === 'failed' ? (
        <PayOrder orderId={orderId} language={language} m={banks} label={m.again} orderHref={orderHref}>
          {toOrder}
        </PayOrder>
      ) : (
        // Before it is known whether an order is paid or the wallet is filled, nothing leads on.
        (order !== undefined || payment) && toOrder
      )}
    </section>
  );
}
