'use client';

import { type FormEvent, useState } from 'react';
import { parseSheba } from '@kelid/persian/sheba';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { fill } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { ListOf } from './list-card.tsx';
import { showSheba } from './sheba.ts';
import type { List } from './use-list.ts';

export type BankAccount = ValueOf<typeof shop.payments.listBankAccounts>['items'][number];

type Errors = Partial<Record<'sheba' | 'holderName' | 'form', string>>;

export function BankAccounts({ accounts, m }: { accounts: List<BankAccount>; m: Messages['wallet'] }) {
  const [sheba, setSheba] = useState('');
  const [holderName, setHolderName] = useState('');
  const [errors, setErrors] = useState<Errors>({});
  const [isBusy, setIsBusy] = useState(false);
  const [isAdded, setIsAdded] = useState(false);

  async function add(event: FormEvent) {
    event.preventDefault();
    setIsAdded(false);
    const parsed = parseSheba(sheba);
    const wrong: Errors = {
      ...(parsed === undefined ? { sheba: m.shebaWrong } : {}),
      ...(holderName.trim().length < 3 ? { holderName: m.holderWrong } : {}),
    };
    setErrors(wrong);
    if (parsed === undefined || wrong.holderName !== undefined) return;
    setIsBusy(true);
    const answer = await shop.payments.addBankAccount({
      sheba: parsed,
      holderName: holderName.trim(),
    });
    setIsBusy(false);
    if (!answer.ok) {
      setErrors(refusal(answer, m));
      return;
    }
    if (answer.value.status === 'rejected') setErrors({ sheba: m.shebaRefused });
    else {
      setSheba('');
      setHolderName('');
      setIsAdded(true);
    }
    await accounts.load();
  }

  return (
    <section className="card stack" id="accounts">
      <h2>{m.accounts}</h2>
      <ListOf list={accounts} m={m} empty={m.noAccounts}>
        {(account) => (
          <>
            <span>
              {account.holderName}
              <small className="soft">
                <bdi dir="ltr">{showSheba(account.sheba)}</bdi>
              </small>
              {account.status === 'rejected' && account.reason && (
                <small className="bad">{fill(m.because, { reason: account.reason })}</small>
              )}
            </span>
            <span
              className={`badge ${account.status === 'verified' ? 'good' : account.status === 'rejected' ? 'bad' : 'gold'}`}
            >
              {m.accountStatuses[account.status]}
            </span>
          </>
        )}
      </ListOf>
      <form className="stack" noValidate onSubmit={(event) => void add(event)}>
        <h3>{m.addAccount}</h3>
        <div className="field">
          <label>
            {m.sheba}
            <input
              name="sheba"
              dir="ltr"
              autoComplete="off"
              autoCapitalize="characters"
              placeholder="IR00 0000 0000 0000 0000 0000 00"
              maxLength={40}
              value={sheba}
              onChange={(event) => setSheba(event.target.value)}
              aria-invalid={errors.sheba !== undefined}
              aria-describedby="sheba-error"
            />
          </label>
          <small id="sheba-error" className="bad" role="alert">
            {errors.sheba}
          </small>
        </div>
        <div className="field">
          <label>
            {m.holder}
            <input
              name="holderName"
              autoComplete="name"
              maxLength={100}
              value={holderName}
              onChange={(event) => setHolderName(event.target.value)}
              aria-invalid={errors.holderName !== undefined}
              aria-describedby="holder-error"
            />
          </label>
          <small id="holder-error" className="bad" role="alert">
            {errors.holderName}
          </small>
        </div>
        <p className="soft small">{m.accountHint}</p>
        <p role="status" className={errors.form ? 'note bad' : isAdded ? 'note good' : 'hidden-text'}>
          {errors.form ?? (isAdded ? m.accountAdded : '')}
        </p>
        <button className="button wide" disabled={isBusy}>
          {isBusy ? m.working : m.add}
        </button>
      </form>
    </section>
  );
}

/** The server's word on each field, in our own language, at that field. */
function refusal(
  answer: Extract<Awaited<ReturnType<typeof shop.payments.addBankAccount>>, { ok: false }>,
  m: Messages['wallet'],
): Errors {
  if (answer.code === 'invalid-input' && answer.data.errors.length > 0) {
    const fields = answer.data.errors.map(({ field }) => field);
    return {
      ...(fields.includes('sheba') ? { sheba: m.shebaWrong } : {}),
      ...(fields.includes('holderName') ? { holderName: m.holderWrong } : {}),
    };
  }
  if (answer.status === 429) return { form: m.tooMany };
  return { form: answer.status === 0 ? m.offline : m.notDone };
}
