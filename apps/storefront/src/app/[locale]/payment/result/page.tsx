import { ResultPage } from '../../../../features/order/result-page.tsx';
import { gatewayPublicUrl } from '../../../../lib/gateway.ts';
import { languageOf, messagesOf, pathIn } from '../../../../lib/language.ts';

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<{ order?: string | string[]; attempt?: string | string[] }>;
}

const idShape = /^[0-9a-f-]{36}$/;

export default async function Result({ params, searchParams }: Props) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language).result;
  const { banks } = messagesOf(language);
  const { order, attempt } = await searchParams;
  if (typeof order !== 'string' || !idShape.test(order)) {
    return (
      <section className="card result">
        <h1>{m.neutral}</h1>
        <p className="soft">{m.neutralText}</p>
        <a className="button main" href={pathIn(language, '/orders')}>
          {m.orders}
        </a>
      </section>
    );
  }
  return (
    <ResultPage
      orderId={order}
      attemptId={typeof attempt === 'string' ? attempt : ''}
      language={language}
      m={m}
      banks={banks}
      liveUrl={gatewayPublicUrl.replace(/^http/, 'ws')}
    />
  );
}
