'use client';

import type { Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { SignInForm } from './sign-in-form.tsx';

export function SignInPage({ language, m, next }: { language: Language; m: Messages['signIn']; next: string }) {
  // A whole navigation, so that every part of the page knows who is here.
  return <SignInForm language={language} m={m} onDone={() => location.assign(next)} />;
}
