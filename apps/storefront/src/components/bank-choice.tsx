'use client';

import { useCallback, useEffect, useState } from 'react';
import { shop, type ValueOf } from '../lib/shop.ts';
import type { Language } from '../lib/language.ts';
import { goToBank, type Payment, saysInstead } from '../lib/to-bank.ts';
import type { Messages } from '../messages/fa.ts';

type Banks = ValueOf<typeof shop.payments.listPaymentMethods>['items'];

/** Long enough to read which bank it is. */
const readMs = 3_000;

/** The banks that can be chosen now, the first of them chosen; `null`: they could not be fetched. */
export function useBanks(isWanted: boolean, language: Language, m: Messages['banks']) {
  const [banks, setBanks] = useState<Banks | null>();
  const [psp, setPsp] = useState<Banks[number]['psp'] | ''>('');
  const [instead, setInstead] = useState<string>();
  const load = useCallback(async () => {
    const answer = await shop.payments.listPaymentMethods({});
    if (!answer.ok) {
      setBanks((before) => before ?? null);
      return;
    }
    const { items } = answer.value;
    setBanks(items);
    // A bank that is no longer offered is not kept.
    setPsp((chosen) => (items.some((bank) => bank.psp === chosen) ? chosen : (items[0]?.psp ?? '')));
  }, []);
  useEffect(() => {
    if (isWanted) void load();
  }, [isWanted, load]);
  /** Leaves for the bank where a payment was begun; nobody is at another one than they chose without having read so. */
  async function leave(payment: Payment, chosen: string, elsewhere: string) {
    const said = saysInstead(payment, chosen, banks ?? [], language, m);
    if (said !== undefined) {
      setInstead(said);
      await new Promise((done) => setTimeout(done, readMs));
      setInstead(undefined);
    }
    goToBank(payment, elsewhere);
  }
  return { banks, psp, setPsp, load, instead, leave };
}

export function BankChoice({
  choice: { banks, psp, setPsp, load, instead },
  language,
  m,
}: {
  choice: ReturnType<typeof useBanks>;
  language: Language;
  m: Messages['banks'];
}) {
  if (banks === undefined)
    return (
      <p role="status" className="soft small">
        {m.loading}
      </p>
    );
  if (banks === null || banks.length === 0)
    return (
      <p className="note bad row between" role="alert">
        {banks === null ? m.failed : m.none}
        <button type="button" className="button" onClick={() => void load()}>
          {m.retry}
        </button>
      </p>
    );
  if (instead !== undefined)
    return (
      <p role="status" className="note">
        {instead}
      </p>
    );
  return (
    <fieldset className="chips">
      <legend>{m.title}</legend>
      {banks.map((bank) => (
        <label key={bank.psp} className="chip">
          <input
            type="radio"
            name="psp"
            value={bank.psp}
            checked={psp === bank.psp}
            onChange={() => setPsp(bank.psp)}
          />
          <span>
            <strong>{bank.title[language]}</strong>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
