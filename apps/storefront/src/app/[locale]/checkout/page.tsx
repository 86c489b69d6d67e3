import { cookies } from 'next/headers';
import { CheckoutPage } from '../../../features/checkout/checkout-page.tsx';
import { languageOf, messagesOf, pathIn } from '../../../lib/language.ts';
import { cookieNames } from '../../../lib/session-cookies.ts';

export default async function Checkout({ params }: { params: Promise<{ locale: string }> }) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  const isSignedIn = (await cookies()).has(cookieNames.refresh);
  return (
    <>
      <h1>{m.checkout.title}</h1>
      <CheckoutPage
        language={language}
        m={m.checkout}
        amountMessages={m.amounts}
        couponMessages={m.coupon}
        banks={m.banks}
        accountMessages={m.gameAccount}
        signIn={m.signIn}
        isSignedIn={isSignedIn}
        cartHref={pathIn(language, '/cart')}
      />
    </>
  );
}
