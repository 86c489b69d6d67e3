import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { WalletPage } from '../../../features/wallet/wallet-page.tsx';
import { languageOf, messagesOf } from '../../../lib/language.ts';
import { cookieNames } from '../../../lib/session-cookies.ts';

interface Props {
  params: Promise<{ locale: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: messagesOf(languageOf((await params).locale)).wallet.title };
}

export default async function Wallet({ params }: Props) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  const isSignedIn = (await cookies()).has(cookieNames.refresh);
  return (
    <>
      <h1>{m.wallet.title}</h1>
      <WalletPage language={language} m={m.wallet} banks={m.banks} signIn={m.signIn} isSignedIn={isSignedIn} />
    </>
  );
}
