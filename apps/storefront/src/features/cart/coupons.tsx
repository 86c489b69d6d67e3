'use client';

import { type KeyboardEvent, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { type Answer, shop, type ValueOf } from '../../lib/shop.ts';
import { fill, type Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';

type CartView = ValueOf<typeof shop.orders.getCart>;

/** The codes of a cart and a field for one more. No form of its own: on the checkout page it stands inside that page's form. */
export function Coupons({
  cart,
  language,
  m,
  onCart,
}: {
  cart: CartView;
  language: Language;
  m: Messages['coupon'];
  onCart: (cart: CartView) => void;
}) {
  const [code, setCode] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [news, setNews] = useState<{ text: string; isBad: boolean }>();

  function show(answer: Answer<CartView>, text: string) {
    setIsBusy(false);
    if (answer.ok) {
      setNews({ text, isBad: false });
      onCart(answer.value);
    } else setNews({ text: (m.errors as Record<string, string>)[answer.code] ?? m.errors.other, isBad: true });
    return answer.ok;
  }
  async function add() {
    const typed = code.trim();
    if (typed === '' || isBusy) return;
    setIsBusy(true);
    const answer = await shop.orders.putCartCoupon({ code: typed, language });
    if (show(answer, m.added)) setCode('');
  }
  async function remove(removed: string) {
    setIsBusy(true);
    show(await shop.orders.deleteCartCoupon({ code: removed, language }), '');
  }
  function onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void add();
  }

  return (
    <div className="stack coupons">
      <ul className="stack">
        {cart.coupons.map((coupon) => (
          <li key={coupon.code} data-testid="coupon">
            <div className="row between">
              <bdi dir="ltr" className={`badge ${coupon.reason === null ? 'good' : 'bad'}`}>
                {coupon.code}
              </bdi>
              <button
                type="button"
                className="button plain"
                disabled={isBusy}
                aria-label={fill(m.removeOf, { code: coupon.code })}
                onClick={() => void remove(coupon.code)}
              >
                {m.remove}
              </button>
            </div>
            {coupon.reason !== null && (
              <p className="note bad small" role="alert">
                {fill(m.reasons[coupon.reason], { amount: formatToman(coupon.orderMinRial, language) })} {m.stillIn}
              </p>
            )}
          </li>
        ))}
      </ul>
      <div className="code-field">
        <label className="field">
          {m.label}
          <input
            name="coupon"
            dir="ltr"
            maxLength={60}
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            value={code}
            aria-invalid={news?.isBad ? true : undefined}
            aria-describedby="coupon-news"
            onChange={(event) => setCode(event.target.value)}
            onKeyDown={onKey}
          />
        </label>
        <button type="button" className="button" disabled={isBusy || code.trim() === ''} onClick={() => void add()}>
          {m.add}
        </button>
      </div>
      <p
        id="coupon-news"
        role="status"
        className={news?.text ? `note small ${news.isBad ? 'bad' : 'good'}` : 'hidden-text'}
      >
        {news?.text}
      </p>
    </div>
  );
}
