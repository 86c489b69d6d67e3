'use client';

import { type ReactNode, useEffect, useState } from 'react';
import { BankChoice, useBanks } from '../../components/bank-choice.tsx';
import { shop } from '../../lib/shop.ts';
import type { Language } from '../../lib/language.ts';
import { endRequest, requestKey } from '../../lib/request-key.ts';
import type { Messages } from '../../messages/fa.ts';

/** A new try to pay an order that still waits for its money, at the bank the customer chooses. */
export function PayOrder({
  orderId,
  language,
  m,
  label,
  orderHref,
  children,
}: {
  orderId: string;
  language: Language;
  m: Messages['banks'];
  label: string;
  orderHref: string;
  children?: ReactNode;
}) {
  const choice = useBanks(true, language, m);
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    // Coming back with the browser's back button finds the page unlocked.
    const onShow = (event: PageTransitionEvent) => event.persisted && setIsBusy(false);
    addEventListener('pageshow', onShow);
    return () => removeEventListener('pageshow', onShow);
  }, []);

  async function pay() {
    const { psp } = choice;
    if (psp === '') return;
    setIsBusy(true);
    setError('');
    const keyName = `kelid-pay-${orderId}`;
    const idempotencyKey = requestKey(keyName, { psp });
    const answer = await shop.orders.payOrder({ orderId, psp }, { idempotencyKey });
    endRequest(keyName, answer);
    if (answer.ok) {
      await choice.leave(answer.value, psp, orderHref);
      return;
    }
    setError((m.errors as Record<string, string>)[answer.code] ?? (answer.status === 0 ? m.offline : m.errors.other));
    setIsBusy(false);
    if (answer.code === 'payments.psp-unavailable') await choice.load();
  }

  return (
    <div className="stack pay-order">
      <BankChoice choice={choice} language={language} m={m} />
      <p role="alert" className={error ? 'note bad' : 'hidden-text'}>
        {error}
      </p>
      <div className="row">
        <button type="button" className="button main" disabled={isBusy || choice.psp === ''} onClick={() => void pay()}>
          {isBusy ? m.working : label}
        </button>
        {children}
      </div>
    </div>
  );
}
