'use client';

import { type FormEvent, useEffect, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { endRequest, openRequest, requestKey } from '../../lib/request-key.ts';
import { Amounts } from '../../components/amounts.tsx';
import { BankChoice, useBanks } from '../../components/bank-choice.tsx';
import { GameAccountLine } from '../../components/game-account.tsx';
import { digits, fill, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { Coupons } from '../cart/coupons.tsx';
import { SignInForm } from '../sign-in/sign-in-form.tsx';

type CartView = ValueOf<typeof shop.orders.getCart>;
type Checkout = Parameters<typeof shop.orders.checkout>[0];
const keyName = 'kelid-checkout-key';

/** What the wallet pays of a total: all, or so much that at least 10,000 Rial are left for the bank. */
function walletPart(totalRial: number, freeRial: number): number {
  if (freeRial >= totalRial) return totalRial;
  return Math.max(0, Math.min(freeRial, totalRial - 10_000));
}

export function CheckoutPage({
  language,
  m,
  amountMessages,
  couponMessages,
  banks,
  accountMessages,
  signIn,
  isSignedIn,
  cartHref,
}: {
  language: Language;
  m: Messages['checkout'];
  amountMessages: Messages['amounts'];
  couponMessages: Messages['coupon'];
  banks: Messages['banks'];
  accountMessages: Messages['gameAccount'];
  signIn: Messages['signIn'];
  isSignedIn: boolean;
  cartHref: string;
}) {
  const [cart, setCart] = useState<CartView>();
  const [freeRial, setFreeRial] = useState(0);
  const [isFromWallet, setIsFromWallet] = useState(false);
  const [email, setEmail] = useState('');
  const [error, setError] = useState('');
  const [state, setState] = useState<'idle' | 'working'>('idle');
  const [isKnown, setIsKnown] = useState(isSignedIn);
  const choice = useBanks(isKnown, language, banks);
  const { psp } = choice;

  async function load() {
    const [cartAnswer, walletAnswer] = await Promise.all([
      shop.orders.getCart({ language }),
      shop.payments.getWallet({}),
    ]);
    if (walletAnswer.ok) setFreeRial(walletAnswer.value.balanceRial - walletAnswer.value.heldRial);
    if (!cartAnswer.ok) return;
    setCart(cartAnswer.value);
    // The cart was ordered, and the answer that said so was lost: the same request finds it.
    const open = openRequest<Checkout>(keyName);
    if (open && cartAnswer.value.items.length === 0) await order(open);
  }
  useEffect(() => {
    if (isKnown) void load();
    // Coming back with the browser's back button finds the page as it was left: unlocked.
    const onShow = (event: PageTransitionEvent) => event.persisted && setState('idle');
    addEventListener('pageshow', onShow);
    return () => removeEventListener('pageshow', onShow);
  }, [isKnown]);

  /** What was wrong with the cart before may be right now. */
  function showCart(changed: CartView) {
    setCart(changed);
    setError('');
  }

  async function pay(event: FormEvent) {
    event.preventDefault();
    if (!cart || state === 'working') return;
    await order({
      psp: psp || 'zarinpal',
      useWallet: isFromWallet,
      expectedTotalRial: cart.totalRial,
      ...(email.trim() ? { contact: { email: email.trim() } } : {}),
    });
  }

  async function order(body: Checkout) {
    setState('working');
    setError('');
    const answer = await shop.orders.checkout(body, { idempotencyKey: requestKey(keyName, body) });
    const isCertain = endRequest(keyName, answer);
    if (answer.ok) {
      const orderHref = pathIn(language, `/orders/${answer.value.orderId}`);
      // What the wallet has paid goes to no bank, and what costs nothing has no payment at all.
      if (answer.value.payment) await choice.leave(answer.value.payment, body.psp, orderHref);
      else location.assign(orderHref);
      return;
    }
    // What may have been done is not called undone, and stays on the page as it was sent.
    setError(isCertain ? ((m.errors as Record<string, string>)[answer.code] ?? m.errors.other) : m.unanswered);
    if (isCertain) await Promise.all([load(), choice.load()]);
    setState('idle');
  }

  if (!isKnown)
    return (
      <SignInForm
        language={language}
        m={signIn}
        onDone={() => {
          setIsKnown(true);
        }}
      />
    );
  if (!cart) return <div className="skeleton" />;
  const walletRial = isFromWallet ? walletPart(cart.totalRial, freeRial) : 0;
  const bankRial = cart.totalRial - walletRial;
  return (
    <form className="two" onSubmit={(event) => void pay(event)}>
      <div className="stack">
        <section className="card stack">
          <h2>{m.contact}</h2>
          <label className="field">
            {m.email}
            <input
              type="email"
              name="email"
              dir="ltr"
              autoComplete="email"
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          </label>
        </section>
        {walletPart(cart.totalRial, freeRial) > 0 && (
          <label className="row card" style={{ flexWrap: 'nowrap' }}>
            <input
              type="checkbox"
              checked={isFromWallet}
              onChange={(event) => setIsFromWallet(event.target.checked)}
              style={{ width: '1.4rem', height: '1.4rem', flex: 'none' }}
            />
            {fill(m.wallet, { amount: formatToman(freeRial, language) })}
          </label>
        )}
        <section className="card" hidden={bankRial === 0}>
          <BankChoice choice={choice} language={language} m={banks} />
        </section>
        <label className="row card" style={{ flexWrap: 'nowrap' }}>
          <input type="checkbox" required style={{ width: '1.4rem', height: '1.4rem', flex: 'none' }} />
          {m.consent}
        </label>
      </div>
      <aside className="card stack">
        <h2>{m.summary}</h2>
        <ul className="stack summary">
          {cart.items.map((item) => (
            <li key={item.id} className="small">
              <div>
                {item.title} · {item.variantTitle} × {digits(item.quantity, language)}
                {item.gameAccount && <GameAccountLine account={item.gameAccount} m={accountMessages} />}
              </div>
              <span>{formatToman(item.lineTotalRial, language)}</span>
            </li>
          ))}
        </ul>
        <Coupons cart={cart} language={language} m={couponMessages} onCart={showCart} />
        <Amounts of={cart} language={language} m={amountMessages} />
        {walletRial > 0 && (
          <p className="row between small" data-testid="wallet-part">
            <span>{m.fromWallet}</span>
            <span>{formatToman(walletRial, language)}</span>
          </p>
        )}
        <p role="alert" className={error ? 'note bad' : 'hidden-text'}>
          {error} {error && <a href={cartHref}>←</a>}
        </p>
        <button
          className="button main wide"
          disabled={
            state === 'working' ||
            cart.items.length === 0 ||
            (psp === '' && bankRial > 0) ||
            cart.coupons.some((coupon) => coupon.reason !== null)
          }
        >
          {state === 'working'
            ? m.working
            : bankRial === 0
              ? cart.totalRial === 0
                ? m.payNothing
                : m.payFromWallet
              : fill(m.pay, { amount: formatToman(bankRial, language) })}
        </button>
      </aside>
    </form>
  );
}
