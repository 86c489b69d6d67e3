'use client';

import { useEffect, useState } from 'react';
import { formatTime } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import { type Answer, shop, type ValueOf } from '../../lib/shop.ts';
import { digits, fill, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { Amounts } from '../../components/amounts.tsx';
import { GameAccountLine } from '../../components/game-account.tsx';
import { cartChanged } from './cart-link.tsx';
import { Coupons } from './coupons.tsx';

type CartView = ValueOf<typeof shop.orders.getCart>;
const quantityMax = 20;

export function CartPage({
  language,
  m,
  amountMessages,
  couponMessages,
  accountMessages,
  regions,
  checkoutHref,
  productsHref,
  productsLabel,
}: {
  language: Language;
  m: Messages['cart'];
  amountMessages: Messages['amounts'];
  couponMessages: Messages['coupon'];
  accountMessages: Messages['gameAccount'];
  regions: Record<string, string>;
  checkoutHref: string;
  productsHref: string;
  productsLabel: string;
}) {
  const [cart, setCart] = useState<CartView | null>();
  const [isBusy, setIsBusy] = useState(false);

  function show(answer: Answer<CartView>) {
    if (answer.ok) {
      setCart(answer.value);
      dispatchEvent(new CustomEvent(cartChanged, { detail: answer.value.itemCount }));
    } else setCart((before) => before ?? null);
    setIsBusy(false);
  }
  useEffect(() => {
    void shop.orders.getCart({ language }).then(show);
  }, [language]);

  async function change(itemId: string, quantity: number) {
    setIsBusy(true);
    show(
      quantity === 0
        ? await shop.orders.deleteCartItem({ itemId })
        : await shop.orders.updateCartItem({ itemId, quantity, language }),
    );
    if (quantity === 0) show(await shop.orders.getCart({ language }));
  }

  if (cart === undefined)
    return (
      <div className="skeleton" role="status">
        <span className="hidden-text">{m.loading}</span>
      </div>
    );
  if (cart === null || cart.items.length === 0) {
    return (
      <div className="card result">
        <h2>{m.empty}</h2>
        <p className="soft">{m.emptyHint}</p>
        <a className="button main" href={productsHref}>
          {productsLabel}
        </a>
      </div>
    );
  }
  const problemOf = (itemId: string) => cart.problems.find((problem) => problem.itemId === itemId);
  const isBlocked =
    cart.problems.some((problem) => problem.action === 'remove') ||
    cart.coupons.some((coupon) => coupon.reason !== null);
  return (
    <div className="two">
      <ul className="card">
        {cart.items.map((item) => {
          const problem = problemOf(item.id);
          return (
            <li key={item.id} className="line">
              {item.image ? <img src={item.image} width={88} height={55} alt="" /> : <span />}
              <div>
                <h3>{item.title}</h3>
                <p className="soft small">
                  {item.variantTitle} · {regions[item.region] ?? item.region}
                </p>
                {item.gameAccount && <GameAccountLine account={item.gameAccount} m={accountMessages} />}
              </div>
              <div className="row">
                <div className="stepper" role="group" aria-label={`${m.quantity}: ${item.title}`}>
                  <button
                    type="button"
                    disabled={isBusy || item.quantity >= quantityMax}
                    aria-label={m.more}
                    onClick={() => void change(item.id, item.quantity + 1)}
                  >
                    +
                  </button>
                  <output>{digits(item.quantity, language)}</output>
                  <button
                    type="button"
                    disabled={isBusy}
                    aria-label={item.quantity === 1 ? m.remove : m.less}
                    onClick={() => void change(item.id, item.quantity - 1)}
                  >
                    −
                  </button>
                </div>
                <strong>{formatToman(item.lineTotalRial, language)}</strong>
              </div>
              {problem && (
                <p className="note bad wide row between" role="alert">
                  {m.problems[problem.code]}
                  {problem.code === 'account_needed' && (
                    <a className="button" href={pathIn(language, `/p/${item.productSlug}`)}>
                      {m.toProduct}
                    </a>
                  )}
                  {problem.action === 'remove' && (
                    <button type="button" className="button" onClick={() => void change(item.id, 0)}>
                      {m.remove}
                    </button>
                  )}
                </p>
              )}
            </li>
          );
        })}
      </ul>
      <aside className="card stack">
        <Coupons cart={cart} language={language} m={couponMessages} onCart={setCart} />
        <Amounts of={cart} language={language} m={amountMessages} />
        {cart.priceHeldUntil && (
          <p className="soft small">{fill(m.held, { time: formatTime(cart.priceHeldUntil, language) })}</p>
        )}
        {isBlocked ? (
          <button type="button" className="button main wide" disabled>
            {m.checkout}
          </button>
        ) : (
          <a className="button main wide" href={checkoutHref}>
            {m.checkout}
          </a>
        )}
      </aside>
    </div>
  );
}
