'use client';

import { useCallback, useEffect, useId, useState } from 'react';
import { toLatinDigits } from '@kelid/persian/digits';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

type TransferView = ValueOf<typeof shop.payments.getTransfer>;

/** Where the money of a transfer from card to card goes, and the form that names it to staff. */
export function TransferPage({
  attemptId,
  language,
  m,
}: {
  attemptId: string;
  language: Language;
  m: Messages['transfer'];
}) {
  const ids = useId();
  const [transfer, setTransfer] = useState<TransferView | null>();
  const [trackingNumber, setTrackingNumber] = useState('');
  const [cardLast4, setCardLast4] = useState('');
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [copied, setCopied] = useState<'card' | 'amount'>();

  const look = useCallback(async () => {
    const answer = await shop.payments.getTransfer({ attemptId });
    if (answer.ok) setTransfer(answer.value);
    else if (answer.status === 404 || answer.status === 401) setTransfer(null);
  }, [attemptId]);
  const isWaiting = transfer === undefined || transfer?.status === 'submitted';
  useEffect(() => {
    void look();
    if (!isWaiting) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && void look(), 5_000);
    return () => clearInterval(timer);
  }, [look, isWaiting]);

  if (transfer === undefined)
    return (
      <div className="skeleton" role="status">
        <span className="hidden-text">{m.loading}</span>
      </div>
    );
  const orderHref = pathIn(
    language,
    transfer === undefined || transfer === null
      ? '/orders'
      : transfer.kind === 'order'
        ? `/orders/${transfer.orderId}`
        : '/wallet',
  );
  if (
    transfer === null ||
    transfer.status === 'over' ||
    transfer.status === 'approved' ||
    transfer.status === 'rejected'
  ) {
    const [title, text] =
      m.ends[transfer?.status === 'approved' || transfer?.status === 'rejected' ? transfer.status : 'over'];
    return (
      <section className="card result">
        <h1>{title}</h1>
        <p className="soft">{text}</p>
        <a className="button main" href={orderHref}>
          {m.order}
        </a>
      </section>
    );
  }

  const { cardNumber, cardHolder, amountRial } = transfer;
  async function copy(what: 'card' | 'amount', text: string) {
    await navigator.clipboard.writeText(text);
    setCopied(what);
  }
  async function submit(event: React.FormEvent) {
    event.preventDefault();
    if (isBusy) return;
    if (trackingNumber.length < 4 || cardLast4.length !== 4) {
      setError(m.incomplete);
      return;
    }
    setIsBusy(true);
    setError('');
    const answer = await shop.payments.submitTransfer({ attemptId, trackingNumber, cardLast4 });
    setIsBusy(false);
    if (answer.ok) setTransfer(answer.value);
    else if (answer.code === 'payments.tracking-number-used') setError(m.used);
    else if (answer.code === 'payments.too-many-transfer-numbers') setError(m.tooMany);
    else if (answer.code === 'payments.transfer-decided') await look();
    else setError(m.failed);
  }

  return (
    <div className="stack narrow">
      <h1>{m.title}</h1>
      <section className="card stack">
        <p>{m.lead}</p>
        <div className="row between">
          <span>
            <small className="soft">{m.amount}</small>
            <br />
            <strong>{formatToman(amountRial, language)}</strong>
          </span>
          <button type="button" className="button" onClick={() => void copy('amount', String(amountRial))}>
            {copied === 'amount' ? m.copied : m.copyRial}
          </button>
        </div>
        <div className="row between">
          <span>
            <small className="soft">{cardHolder}</small>
            <br />
            <bdi dir="ltr" className="code" data-testid="shop-card">
              {cardNumber.replaceAll(/(\d{4})(?=\d)/g, '$1 ')}
            </bdi>
          </span>
          <button type="button" className="button" onClick={() => void copy('card', cardNumber)}>
            {copied === 'card' ? m.copied : m.copyCard}
          </button>
        </div>
        <p role="status" className="hidden-text">
          {copied === undefined ? '' : m.copied}
        </p>
      </section>
      {transfer.status === 'submitted' && (
        <p className="note good" role="status">
          {m.submitted}
        </p>
      )}
      <form className="card stack" onSubmit={(event) => void submit(event)} noValidate>
        <h2>{transfer.status === 'submitted' ? m.correct : m.tell}</h2>
        <label className="field">
          {m.trackingNumber}
          <input
            dir="ltr"
            inputMode="numeric"
            autoComplete="off"
            value={trackingNumber}
            placeholder={transfer.trackingNumber ?? ''}
            onChange={(event) => setTrackingNumber(digitsOf(event.target.value).slice(0, 30))}
            aria-invalid={error !== '' && trackingNumber.length < 4}
            aria-describedby={`${ids}-error`}
          />
        </label>
        <label className="field">
          {m.cardLast4}
          <input
            dir="ltr"
            inputMode="numeric"
            autoComplete="off"
            value={cardLast4}
            placeholder={transfer.cardLast4 ?? ''}
            onChange={(event) => setCardLast4(digitsOf(event.target.value).slice(0, 4))}
            aria-invalid={error !== '' && cardLast4.length !== 4}
            aria-describedby={`${ids}-error`}
          />
        </label>
        <p id={`${ids}-error`} role="alert" className={error ? 'note bad' : 'hidden-text'}>
          {error}
        </p>
        <button className="button main wide" disabled={isBusy}>
          {isBusy ? m.working : m.send}
        </button>
        <small className="soft">{m.promise}</small>
      </form>
      <a className="button plain" href={orderHref}>
        {m.order}
      </a>
    </div>
  );
}

/** Numbers as receipts show them: in Persian digits, with spaces. */
function digitsOf(text: string): string {
  return toLatinDigits(text).replaceAll(/\D/g, '');
}
