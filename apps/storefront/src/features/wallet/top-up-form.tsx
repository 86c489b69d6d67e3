'use client';

import { type FormEvent, useEffect, useState } from 'react';
import { digits, fill, type Language, pathIn } from '../../lib/language.ts';
import { formatToman, formatTomanNumber } from '@kelid/persian/toman';
import { BankChoice, useBanks } from '../../components/bank-choice.tsx';
import { shop } from '../../lib/shop.ts';
import { endRequest, requestKey } from '../../lib/request-key.ts';
import type { Messages } from '../../messages/fa.ts';
import { AmountField } from './amount-field.tsx';
import { amountMinRial, parseToman } from './amount.ts';

const quickRial = [500_000, 1_000_000, 2_000_000, 5_000_000];
const keyName = 'kelid-top-up';

export function TopUpForm({
  language,
  m,
  banks,
}: {
  language: Language;
  m: Messages['wallet'];
  banks: Messages['banks'];
}) {
  const choice = useBanks(true, language, banks);
  const [amount, setAmount] = useState('');
  const [fieldError, setFieldError] = useState('');
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    // Coming back with the browser's back button finds the form as it was left: unlocked.
    const onShow = (event: PageTransitionEvent) => event.persisted && setIsBusy(false);
    addEventListener('pageshow', onShow);
    return () => removeEventListener('pageshow', onShow);
  }, []);

  async function send(event: FormEvent) {
    event.preventDefault();
    const amountRial = parseToman(amount);
    const { psp } = choice;
    if (psp === '') return;
    setError('');
    if (amountRial === undefined || amountRial < amountMinRial) {
      setFieldError(fill(m.amountMin, { amount: formatToman(amountMinRial, language) }));
      return;
    }
    setFieldError('');
    setIsBusy(true);
    const body = { amountRial, psp };
    const answer = await shop.payments.topUpWallet(body, { idempotencyKey: requestKey(keyName, body) });
    endRequest(keyName, answer);
    if (answer.ok) {
      const resultHref = pathIn(language, `/payment/result?order=${answer.value.topUpId}`);
      await choice.leave(answer.value.payment, body.psp, resultHref);
      return;
    }
    setIsBusy(false);
    if (answer.code === 'payments.limit-reached')
      setFieldError(fill(m.dayLimit, { amount: formatToman(answer.data.limitRial, language) }));
    else
      setError(
        (banks.errors as Record<string, string>)[answer.code] ??
          (answer.status === 0 ? banks.offline : banks.errors.other),
      );
    if (answer.code === 'payments.psp-unavailable') await choice.load();
  }

  return (
    <form className="card stack" noValidate onSubmit={(event) => void send(event)}>
      <h2>{m.topUp}</h2>
      <AmountField label={m.amount} value={amount} onChange={setAmount} error={fieldError} language={language} />
      <div className="row" role="group" aria-label={m.quick}>
        {quickRial.map((amountRial) => (
          <button
            key={amountRial}
            type="button"
            className="pill"
            aria-pressed={parseToman(amount) === amountRial}
            onClick={() => {
              setAmount(digits(amountRial / 10, language));
              setFieldError('');
            }}
          >
            {formatTomanNumber(amountRial, language)}
          </button>
        ))}
      </div>
      <BankChoice choice={choice} language={language} m={banks} />
      <p role="alert" className={error ? 'note bad' : 'hidden-text'}>
        {error}
      </p>
      <button className="button main wide" disabled={isBusy || choice.psp === ''}>
        {isBusy ? banks.working : m.goToBank}
      </button>
    </form>
  );
}
