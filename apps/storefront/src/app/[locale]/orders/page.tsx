import { OrdersPage } from '../../../features/order/orders-page.tsx';
import { languageOf, messagesOf } from '../../../lib/language.ts';

export default async function Orders({ params }: { params: Promise<{ locale: string }> }) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  return (
    <OrdersPage
      language={language}
      m={m.order}
      more={m.list.next}
      walletLabel={m.nav.wallet}
      signOutLabel={m.nav.signOut}
    />
  );
}
