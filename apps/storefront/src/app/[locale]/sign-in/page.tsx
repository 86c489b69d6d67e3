import { SignInPage } from '../../../features/sign-in/sign-in-page.tsx';
import { languageOf, messagesOf, pathIn } from '../../../lib/language.ts';
import { ownPath } from '../../../lib/own-path.ts';

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<{ next?: string | string[] }>;
}

export default async function SignIn({ params, searchParams }: Props) {
  const language = languageOf((await params).locale);
  return (
    <SignInPage
      language={language}
      m={messagesOf(language).signIn}
      next={ownPath((await searchParams).next, pathIn(language, '/orders'))}
    />
  );
}
