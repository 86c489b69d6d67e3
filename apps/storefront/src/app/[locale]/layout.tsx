import type { Metadata, Viewport } from 'next';
import localFont from 'next/font/local';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import { Header } from '../../components/header.tsx';
import { gatewayPublicUrl, shopUrl } from '../../lib/gateway.ts';
import { languageOf, messagesOf, pathIn } from '../../lib/language.ts';
import { cookieNames } from '../../lib/session-cookies.ts';
import '../globals.css';

const vazirmatn = localFont({
  src: '../../../../../node_modules/vazirmatn/fonts/webfonts/Vazirmatn[wght].woff2',
  variable: '--font-vazirmatn',
  weight: '100 900',
  display: 'swap',
});

interface Props {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#faf7f2' },
    { media: '(prefers-color-scheme: dark)', color: '#100d1c' },
  ],
};

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  const path = (await headers()).get('x-path') ?? '/';
  return {
    metadataBase: new URL(shopUrl),
    title: { default: `${m.shop.name} | ${m.shop.tagline}`, template: `%s | ${m.shop.name}` },
    description: m.shop.description,
    alternates: { canonical: pathIn(language, path), languages: { fa: pathIn('fa', path), en: pathIn('en', path) } },
  };
}

export default async function Layout({ children, params }: Props) {
  const language = languageOf((await params).locale);
  const m = messagesOf(language);
  const [jar, head] = await Promise.all([cookies(), headers()]);
  const kept = jar.get('theme')?.value;
  const theme = kept === 'light' || kept === 'dark' ? kept : 'system';
  return (
    <html
      lang={language}
      dir={language === 'fa' ? 'rtl' : 'ltr'}
      className={vazirmatn.variable}
      {...(theme === 'system' ? {} : { 'data-theme': theme })}
    >
      <body>
        <Header
          language={language}
          theme={theme}
          path={head.get('x-path') ?? '/'}
          isSignedIn={jar.has(cookieNames.refresh)}
          hasCart={jar.has(cookieNames.cart)}
        />
        <main id="content">{children}</main>
        <footer className="end">
          <div>
            <span>{m.footer.about}</span>
            <span>{m.footer.rules}</span>
            <a href={`${gatewayPublicUrl}/docs`}>{m.footer.api}</a>
          </div>
        </footer>
      </body>
    </html>
  );
}
