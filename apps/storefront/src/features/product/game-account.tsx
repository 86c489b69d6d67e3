'use client';

import { useEffect, useId, useState } from 'react';
import { gameAccountFaults, gameAccountRules } from '@kelid/contracts/game-account-rules';
import { toLatinDigits } from '@kelid/persian/digits';
import { call } from '../../lib/browser-fetch.ts';
import { fill, type Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

export type AccountRule = keyof typeof gameAccountRules;
export interface Account {
  playerId: string;
  zone?: string;
}

/** Where a top-up goes: typed by the shopper, checked for its form at once, and shown by its name in the game before anything is paid. */
export function GameAccountFields({
  rule,
  variantId,
  language,
  m,
  refusedField,
  onChange,
}: {
  rule: AccountRule;
  variantId: string;
  language: Language;
  m: Messages['product']['account'];
  /** The field that the shop has refused. */
  refusedField: string | undefined;
  /** The account once its form is right, undefined before. */
  onChange: (account: Account | undefined) => void;
}) {
  const [playerId, setPlayerId] = useState('');
  const [zone, setZone] = useState('');
  const [answer, setAnswer] = useState<
    { kind: 'found'; nickname: string } | { kind: 'unknown' | 'silent' | 'asking' }
  >();
  const ids = useId();
  const fields: { playerId: Field; zone?: Field } = gameAccountRules[rule];
  const servers = rule === 'genshin-impact' ? m.servers : undefined;
  const account = { playerId, ...(fields.zone ? { zone } : {}) };
  const faults = new Set(gameAccountFaults(rule, account).map((fault) => fault.field));
  const key = `${playerId}|${zone}`;

  useEffect(() => {
    const isRight = gameAccountFaults(rule, account).length === 0;
    onChange(isRight ? account : undefined);
    setAnswer(undefined);
    if (!isRight) return;
    let isOld = false;
    async function ask() {
      setAnswer({ kind: 'asking' });
      const checked = await call<{ nickname: string | null }>('POST', '/game-accounts/check', {
        variantId,
        gameAccount: account,
      });
      if (isOld) return;
      if (checked.ok)
        setAnswer(
          checked.value.nickname === null ? { kind: 'silent' } : { kind: 'found', nickname: checked.value.nickname },
        );
      else if (checked.code === 'inventory.game-account-unknown') {
        setAnswer({ kind: 'unknown' });
        onChange(undefined);
      } else setAnswer({ kind: 'silent' });
    }
    const timer = setTimeout(() => void ask(), 500);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
    // Another denomination of the same game has the same accounts.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, rule]);

  const isWrong = (field: 'playerId' | 'zone') =>
    refusedField === `gameAccount.${field}` || (field === 'playerId' && answer?.kind === 'unknown');
  return (
    <fieldset className="stack plain">
      <legend>{m.title}</legend>
      <label className="field">
        {m.playerId}
        <input
          dir="ltr"
          inputMode="numeric"
          autoComplete="off"
          value={playerId}
          aria-invalid={isWrong('playerId')}
          aria-describedby={`${ids}-player`}
          onChange={(event) => setPlayerId(toLatinDigits(event.target.value).trim())}
        />
        <small id={`${ids}-player`} className={playerId !== '' && faults.has('playerId') ? 'warn' : 'soft'}>
          {fields.playerId.hint[language]}
        </small>
      </label>
      {fields.zone &&
        (servers ? (
          <label className="field">
            {m.server}
            <select value={zone} onChange={(event) => setZone(event.target.value)}>
              <option value="">{m.chooseServer}</option>
              {Object.entries(servers).map(([name, title]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <label className="field">
            {m.zone}
            <input
              dir="ltr"
              inputMode="numeric"
              autoComplete="off"
              value={zone}
              aria-invalid={isWrong('zone')}
              aria-describedby={`${ids}-zone`}
              onChange={(event) => setZone(toLatinDigits(event.target.value).trim())}
            />
            <small id={`${ids}-zone`} className={zone !== '' && faults.has('zone') ? 'warn' : 'soft'}>
              {fields.zone.hint[language]}
            </small>
          </label>
        ))}
      <p
        role="status"
        className={answer?.kind === 'found' ? 'note good' : answer?.kind === 'unknown' ? 'note bad' : 'small soft'}
        data-testid="nickname"
      >
        {answer === undefined
          ? m.before
          : answer.kind === 'found'
            ? fill(m.found, { nickname: answer.nickname })
            : m[answer.kind]}
      </p>
    </fieldset>
  );
}

interface Field {
  hint: { fa: string; en: string };
}
