'use client';

import { type FormEvent, useState } from 'react';
import { formatDateTime } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { digits, fill, type Language } from '../../lib/language.ts';
import { endRequest, requestKey } from '../../lib/request-key.ts';
import type { Messages } from '../../messages/fa.ts';
import { AmountField } from './amount-field.tsx';
import { amountMinRial, parseToman } from './amount.ts';
import type { BankAccount } from './bank-accounts.tsx';
import { ListOf } from './list-card.tsx';
import { showSheba } from './sheba.ts';
import { type List, useList } from './use-list.ts';

type Withdrawal = ValueOf<typeof shop.payments.listWithdrawals>['items'][number];

const keyName = 'kelid-withdrawal';

export function Withdrawals({
  accounts,
  freeRial,
  onMoved,
  language,
  m,
}: {
  accounts: List<BankAccount>;
  freeRial: number;
  onMoved: () => Promise<void>;
  language: Language;
  m: Messages['wallet'];
}) {
  const withdrawals = useList(shop.payments.listWithdrawals);
  const [chosenId, setChosenId] = useState('');
  const [amount, setAmount] = useState('');
  const [fieldError, setFieldError] = useState('');
  const [news, setNews] = useState<{ isBad: boolean; text: string }>();
  const [isBusy, setIsBusy] = useState(false);
  const verified = accounts.items?.filter((account) => account.status === 'verified') ?? [];
  const account = verified.find(({ id }) => id === chosenId) ?? verified[0];
  const tooLittle = (rial: number) => fill(m.tooLittle, { amount: formatToman(rial, language) });

  async function request(event: FormEvent) {
    event.preventDefault();
    setNews(undefined);
    setFieldError('');
    const amountRial = parseToman(amount);
    if (!account) return;
    if (amountRial === undefined || amountRial < amountMinRial) {
      setFieldError(fill(m.amountMin, { amount: formatToman(amountMinRial, language) }));
      return;
    }
    setIsBusy(true);
    const body = { bankAccountId: account.id, amountRial };
    const answer = await shop.payments.requestWithdrawal(body, { idempotencyKey: requestKey(keyName, body) });
    endRequest(keyName, answer);
    if (answer.ok) {
      setAmount('');
      setNews({ isBad: false, text: m.requested });
    } else if (answer.code === 'payments.balance-too-small') setFieldError(tooLittle(answer.data.freeRial));
    else if (answer.code === 'payments.bank-account-not-verified') setNews({ isBad: true, text: m.notVerified });
    else setNews({ isBad: true, text: answer.status === 0 ? m.offline : m.notDone });
    // Also after a refusal: what is shown was not what is so.
    await Promise.all([withdrawals.load(), accounts.load(), onMoved()]);
    setIsBusy(false);
  }

  async function cancel(withdrawal: Withdrawal) {
    if (!confirm(m.cancelSure)) return;
    setIsBusy(true);
    setNews(undefined);
    const answer = await shop.payments.cancelWithdrawal({ withdrawalId: withdrawal.id });
    if (answer.ok) setNews({ isBad: false, text: m.cancelled });
    else
      setNews({
        isBad: true,
        text:
          answer.code === 'payments.withdrawal-move-refused' ? m.tooLate : answer.status === 0 ? m.offline : m.notDone,
      });
    await Promise.all([withdrawals.load(), onMoved()]);
    setIsBusy(false);
  }

  return (
    <section className="card stack" id="withdraw">
      <h2>{m.withdraw}</h2>
      {accounts.items && verified.length === 0 && (
        <p className="soft">
          {accounts.items.some(({ status }) => status === 'pending') ? m.waitForCheck : m.needAccount}{' '}
          <a href="#accounts">{m.accounts}</a>
        </p>
      )}
      {account && freeRial < amountMinRial && (
        <p className="soft">{fill(m.tooPoor, { amount: formatToman(amountMinRial, language) })}</p>
      )}
      {account && freeRial >= amountMinRial && (
        <form className="stack" noValidate onSubmit={(event) => void request(event)}>
          <label className="field">
            {m.toAccount}
            <select value={account.id} onChange={(event) => setChosenId(event.target.value)}>
              {verified.map(({ id, sheba, holderName }) => (
                <option key={id} value={id}>
                  {holderName} · {fill(m.endsWith, { end: digits(sheba.slice(-4), language) })}
                </option>
              ))}
            </select>
          </label>
          <AmountField label={m.amount} value={amount} onChange={setAmount} error={fieldError} language={language} />
          <div className="row">
            <button
              type="button"
              className="pill"
              onClick={() => setAmount(digits(Math.floor(freeRial / 10), language))}
            >
              {fill(m.all, { amount: formatToman(freeRial, language) })}
            </button>
          </div>
          <button className="button main wide" disabled={isBusy}>
            {isBusy ? m.working : m.request}
          </button>
          <p className="soft small">{m.withdrawHint}</p>
        </form>
      )}
      <p role="status" className={news ? `note ${news.isBad ? 'bad' : 'good'}` : 'hidden-text'}>
        {news?.text}
      </p>
      <h3>{m.withdrawals}</h3>
      <ListOf list={withdrawals} m={m} empty={m.noWithdrawals}>
        {(withdrawal) => (
          <>
            <span>
              {formatToman(withdrawal.amountRial, language)}
              <small className="soft">
                {formatDateTime(withdrawal.createdAt, language)} · <bdi dir="ltr">{showSheba(withdrawal.sheba)}</bdi>
              </small>
              {withdrawal.status === 'rejected' && withdrawal.reason && (
                <small className="bad">{fill(m.because, { reason: withdrawal.reason })}</small>
              )}
              {withdrawal.reference && (
                <small>
                  {m.reference}: <bdi dir="ltr">{withdrawal.reference}</bdi>
                </small>
              )}
            </span>
            <span className="ends">
              <span className={`badge ${badges[withdrawal.status]}`} data-withdrawal={withdrawal.status}>
                {m.withdrawalStatuses[withdrawal.status]}
              </span>
              {withdrawal.status === 'requested' && (
                <button
                  type="button"
                  className="button danger"
                  disabled={isBusy}
                  onClick={() => void cancel(withdrawal)}
                >
                  {m.cancel}
                </button>
              )}
            </span>
          </>
        )}
      </ListOf>
    </section>
  );
}

const badges = { requested: 'gold', approved: 'gold', sent: 'good', rejected: 'bad', cancelled: '' };
