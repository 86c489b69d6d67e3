import { CartPage } from '../../../features/cart/cart-page.tsx';
import { languageOf, messagesOf, pathIn } from '../../../lib/language.ts';

export default async function Cart({ params }: { params: Promise<{ locale: string }> }) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  return (
    <>
      <h1>{m.cart.title}</h1>
      <CartPage
        language={language}
        m={m.cart}
        amountMessages={m.amounts}
        couponMessages={m.coupon}
        accountMessages={m.gameAccount}
        regions={m.regions}
        checkoutHref={pathIn(language, '/checkout')}
        productsHref={pathIn(language, '/products')}
        productsLabel={m.nav.products}
      />
    </>
  );
}
