'use client';

import { useEffect, useId, useRef, useState } from 'react';
import { gameAccountFaults, gameAccountRules } from '@kelid/contracts/game-account-rules';
import { toLatinDigits } from '@kelid/persian/digits';
import { shop } from '../../lib/shop.ts';
import { fill, type Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

/** Where the buy box sends who has not typed it yet. */
export const playerFieldId = 'player-id';
export type AccountRule = keyof typeof gameAccountRules;
/** The shop's own word against an account: its form, or the game that does not know it. */
export interface Refusal {
  isUnknown: boolean;
  fields: string[];
}
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
  servers,
  refusal,
  onChange,
}: {
  rule: AccountRule;
  variantId: string;
  language: Language;
  m: Messages['product']['account'];
  servers: Messages['gameAccount']['servers'];
  refusal: Refusal | undefined;
  /** The account once its form is right, undefined before. */
  onChange: (account: Account | undefined) => void;
}) {
  const [playerId, setPlayerId] = useState('');
  const [zone, setZone] = useState('');
  const [answer, setAnswer] = useState<
    { kind: 'found'; nickname: string } | { kind: 'unknown' | 'silent' | 'asking' }
  >();
  const ids = useId();
  const answerLine = useRef<HTMLParagraphElement>(null);
  const fields: { playerId: Field; zone?: Field } = gameAccountRules[rule];
  const hasServers = rule === 'genshin-impact';
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
      const checked = await shop.inventory.checkGameAccount({
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

  // On a phone the answer would appear behind the bar with the price.
  useEffect(() => {
    if (answer?.kind !== undefined && answer.kind !== 'asking')
      answerLine.current?.scrollIntoView({ block: 'nearest' });
  }, [answer]);

  const isRefused = (field: 'playerId' | 'zone') => refusal?.fields.includes(`gameAccount.${field}`) ?? false;
  const shown = refusal?.isUnknown ? ({ kind: 'unknown' } as const) : answer;
  const isUnknown = shown?.kind === 'unknown';
  const hintOf = (field: 'playerId' | 'zone', text: string) => {
    const hint = fields[field]?.hint[language] ?? '';
    return (
      <small
        id={`${ids}-${field}`}
        className={isRefused(field) ? 'bad' : text !== '' && faults.has(field) ? 'warn' : 'soft'}
      >
        {isRefused(field) ? fill(m.refused, { hint }) : hint}
      </small>
    );
  };
  return (
    <fieldset className="stack plain">
      <legend>{m.title}</legend>
      <label className="field">
        {m.playerId}
        <input
          id={playerFieldId}
          dir="ltr"
          inputMode="numeric"
          autoComplete="off"
          value={playerId}
          aria-invalid={isUnknown || isRefused('playerId')}
          aria-describedby={`${ids}-playerId${isUnknown ? ` ${ids}-answer` : ''}`}
          onChange={(event) => setPlayerId(typed(event.target.value))}
        />
        {hintOf('playerId', playerId)}
      </label>
      {fields.zone &&
        (hasServers ? (
          <label className="field">
            {m.server}
            <select
              value={zone}
              aria-invalid={isRefused('zone')}
              aria-describedby={`${ids}-zone`}
              onChange={(event) => setZone(event.target.value)}
            >
              <option value="">{m.chooseServer}</option>
              {Object.entries(servers).map(([name, title]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
            {hintOf('zone', zone)}
          </label>
        ) : (
          <label className="field">
            {m.zone}
            <input
              dir="ltr"
              inputMode="numeric"
              autoComplete="off"
              value={zone}
              aria-invalid={isRefused('zone')}
              aria-describedby={`${ids}-zone`}
              onChange={(event) => setZone(typed(event.target.value))}
            />
            {hintOf('zone', zone)}
          </label>
        ))}
      <p
        ref={answerLine}
        id={`${ids}-answer`}
        role="status"
        className={shown?.kind === 'found' ? 'note good' : isUnknown ? 'note bad' : 'small soft'}
        data-testid="nickname"
      >
        {shown === undefined
          ? m.before
          : shown.kind === 'found'
            ? fill(m.found, { nickname: isolated(shown.nickname) })
            : m[shown.kind]}
      </p>
    </fieldset>
  );
}

/** Numbers as people paste them: with spaces, signs of direction and Persian digits. */
function typed(text: string): string {
  return toLatinDigits(text).replaceAll(/[\s\p{Cf}]/gu, '');
}

/** A name keeps its own direction inside a sentence of the other one. */
function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

interface Field {
  hint: { fa: string; en: string };
}
