import { notFound } from 'next/navigation';
import { TransferPage } from '../../../../../features/order/transfer-page.tsx';
import { languageOf, messagesOf } from '../../../../../lib/language.ts';

export default async function Transfer({ params }: { params: Promise<{ locale: string; attemptId: string }> }) {
  const { locale, attemptId } = await params;
  if (!/^[0-9a-f-]{36}$/.test(attemptId)) notFound();
  const language = languageOf(locale);
  return <TransferPage attemptId={attemptId} language={language} m={messagesOf(language).transfer} />;
}
