import { notFound } from 'next/navigation';
import { OrderPage } from '../../../../features/order/order-page.tsx';
import { gatewayPublicUrl } from '../../../../lib/gateway.ts';
import { languageOf, messagesOf } from '../../../../lib/language.ts';

export default async function Order({ params }: { params: Promise<{ locale: string; orderId: string }> }) {
  const { locale, orderId } = await params;
  if (!/^[0-9a-f-]{36}$/.test(orderId)) notFound();
  const language = languageOf(locale);
  const m = messagesOf(language);
  return (
    <OrderPage
      orderId={orderId}
      language={language}
      m={m.order}
      amountMessages={m.amounts}
      banks={m.banks}
      accountMessages={m.gameAccount}
      regions={m.regions}
      liveUrl={gatewayPublicUrl.replace(/^http/, 'ws')}
    />
  );
}
