import { type NextRequest, NextResponse } from 'next/server';
import { config as settings } from './config.ts';

/**
 * Gives each page a content policy that names no foreign host, and tells it its own path. The language comes from the path by the
 * rewrites in next.config.ts: a rewrite made here is sent over the network when the server is bound to an address (`next start -H`),
 * and then runs in circles.
 */
export function proxy(request: NextRequest): NextResponse {
  const path = request.nextUrl.pathname;
  if (path === '/fa' || path.startsWith('/fa/')) {
    // A doubled slash would name another host, and the answer would lead people away from the shop.
    const own = request.nextUrl.clone();
    own.pathname = `/${path.slice(3).replace(/^\/+/, '')}`;
    return NextResponse.redirect(own, 308);
  }
  const nonce = btoa(crypto.randomUUID());
  const policy = [
    "default-src 'self'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${settings.GATEWAY_PUBLIC_URL.replace(/^http/, 'ws')}`,
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self' ${settings.BANK_ORIGINS}`,
  ].join('; ');
  const isEnglish = path === '/en' || path.startsWith('/en/');
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  headers.set('x-language', isEnglish ? 'en' : 'fa');
  headers.set('x-path', isEnglish ? path.slice(3) || '/' : path);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('referrer-policy', 'strict-origin-when-cross-origin');
  response.headers.set('cross-origin-opener-policy', 'same-origin');
  return response;
}

export const config = { matcher: ['/((?!api/|_next/|robots.txt|sitemap.xml|icon.svg|favicon.ico).*)'] };
