'use client';

import { useState } from 'react';
import { formatDate } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import type { Messages } from '../../messages/fa.ts';
import { shop } from '../../lib/shop.ts';
import { fill, type Language } from '../../lib/language.ts';
import { useAlive } from '../../lib/use-alive.ts';
import { cartChanged } from '../cart/cart-link.tsx';
import { type Account, type AccountRule, GameAccountFields, playerFieldId, type Refusal } from './game-account.tsx';

interface Variant {
  id: string;
  title: string;
  region: string;
  priceRial: number;
  availability: 'in_stock' | 'low' | 'from_supplier' | 'pre_order' | 'out_of_stock';
  releasesOn: string | null;
}

const availabilityTones = { in_stock: 'good', low: 'gold', from_supplier: '', pre_order: 'gold', out_of_stock: 'bad' };

export function BuyBox({
  variants,
  language,
  m,
  regions,
  cartHref,
  accountRule,
  servers,
}: {
  variants: Variant[];
  language: Language;
  m: Messages['product'];
  regions: Record<string, string>;
  cartHref: string;
  /** A top-up: whose account it needs. */
  accountRule: AccountRule | null;
  servers: Messages['gameAccount']['servers'];
}) {
  const allRegions = [...new Set(variants.map((variant) => variant.region))];
  const firstInStock = variants.find((variant) => variant.availability !== 'out_of_stock') ?? variants[0];
  const [region, setRegion] = useState(firstInStock?.region ?? '');
  const [variantId, setVariantId] = useState(firstInStock?.id ?? '');
  const [state, setState] = useState<'idle' | 'working' | 'added' | 'failed' | 'limit'>('idle');
  const [account, setAccount] = useState<Account>();
  const [refusal, setRefusal] = useState<Refusal>();
  const isAlive = useAlive();
  const offered = variants.filter((variant) => variant.region === region);
  const chosen = offered.find((variant) => variant.id === variantId) ?? offered[0];

  async function add() {
    if (!chosen) return;
    setState('working');
    const answer = await shop.orders.addCartItem({
      variantId: chosen.id,
      quantity: 1,
      ...(account ? { gameAccount: account } : {}),
    });
    const refused = refusalOf(answer);
    setRefusal(refused);
    if (refused) setAccount(undefined);
    if (answer.ok) dispatchEvent(new CustomEvent(cartChanged, { detail: answer.value.itemCount }));
    setState(answer.ok ? 'added' : answer.code === 'orders.cart-limit' ? 'limit' : 'failed');
  }

  if (!chosen) return null;
  const needsAccount = accountRule !== null && account === undefined;
  const isOut = chosen.availability === 'out_of_stock';
  const stockText =
    chosen.availability === 'pre_order' && chosen.releasesOn
      ? fill(m.preOrderOn, { date: formatDate(`${chosen.releasesOn}T12:00:00Z`, language) })
      : accountRule && chosen.availability === 'from_supplier'
        ? m.topUpPromise
        : m.availability[chosen.availability];
  return (
    <div className="stack">
      <div className="stack" inert={!isAlive}>
        {allRegions.length > 1 && (
          <fieldset className="chips">
            <legend>{m.region}</legend>
            {allRegions.map((code) => (
              <label key={code} className="chip">
                <input
                  type="radio"
                  name="region"
                  checked={region === code}
                  onChange={() => {
                    setRegion(code);
                    setVariantId(variants.find((variant) => variant.region === code)?.id ?? '');
                    setState('idle');
                  }}
                />
                <span>{regions[code] ?? code}</span>
              </label>
            ))}
          </fieldset>
        )}
        {!accountRule && (
          <p className="note small">
            {region === 'GLOBAL' ? m.globalNote : fill(m.regionNote, { region: regions[region] ?? region })}
          </p>
        )}
        <fieldset className="chips">
          <legend>{m.denomination}</legend>
          {offered.map((variant) => (
            <label key={variant.id} className="chip">
              <input
                type="radio"
                name="variant"
                checked={chosen.id === variant.id}
                disabled={variant.availability === 'out_of_stock'}
                onChange={() => {
                  setVariantId(variant.id);
                  setState('idle');
                }}
              />
              <span>
                <strong>{variant.title}</strong>
                <small>
                  {variant.availability === 'out_of_stock' ? m.out : formatToman(variant.priceRial, language)}
                </small>
              </span>
            </label>
          ))}
        </fieldset>
        {accountRule && (
          <GameAccountFields
            rule={accountRule}
            variantId={chosen.id}
            language={language}
            m={m.account}
            servers={servers}
            refusal={refusal}
            onChange={(next) => {
              setAccount(next);
              setRefusal(undefined);
              setState('idle');
            }}
          />
        )}
      </div>
      <p className="row">
        <span className={`badge ${availabilityTones[chosen.availability]}`}>{stockText}</span>
        <span className="small soft">{m.held}</span>
      </p>
      <div className="buy">
        <p className="buy-price">
          <span className="small soft">{chosen.title}</span>
          <strong>{formatToman(chosen.priceRial, language)}</strong>
        </p>
        {state === 'added' ? (
          <a className="button main" href={cartHref}>
            {m.goToCart}
          </a>
        ) : (
          <button
            type="button"
            className="button main"
            disabled={isOut || state === 'working' || needsAccount || !isAlive}
            onClick={() => void add()}
          >
            {isOut ? m.out : m.add}
          </button>
        )}
        {needsAccount && !isOut && (
          <a className="small buy-first" href={`#${playerFieldId}`}>
            {m.account.first}
          </a>
        )}
        <p className="small buy-news" role="status">
          {state === 'added'
            ? m.added
            : state === 'failed'
              ? refusal
                ? m.account.correct
                : m.failed
              : state === 'limit'
                ? m.limit
                : ''}
        </p>
      </div>
    </div>
  );
}

/** What the shop did not like about the account; undefined when the refusal was about something else. */
function refusalOf(answer: Awaited<ReturnType<typeof shop.orders.addCartItem>>): Refusal | undefined {
  if (answer.ok) return undefined;
  if (answer.code === 'inventory.game-account-unknown') return { isUnknown: true, fields: [] };
  if (answer.code !== 'invalid-input') return undefined;
  const fields = answer.data.errors.map(({ field }) => field).filter((field) => field.startsWith('gameAccount'));
  return fields.length > 0 ? { isUnknown: false, fields } : undefined;
}
