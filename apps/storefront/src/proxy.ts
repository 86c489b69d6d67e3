import { type NextRequest, NextResponse } from 'next/server';

/** Gives each page its language by its path, and a content policy that names no foreign host. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const gateway = process.env['GATEWAY_PUBLIC_URL'] ?? 'http://localhost:8080';
  const banks = process.env['BANK_ORIGINS'] ?? 'https://payment.zarinpal.com https://sandbox.zarinpal.com';
  const policy = [
    "default-src 'self'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${gateway.replace(/^http/, 'ws')}`,
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self' ${banks}`,
  ].join('; ');
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  const url = request.nextUrl.clone();
  const isPrefixed = url.pathname === '/en' || url.pathname.startsWith('/en/');
  const isDoubled = url.pathname === '/fa' || url.pathname.startsWith('/fa/');
  if (isDoubled) {
    url.pathname = url.pathname.slice(3) || '/';
    return NextResponse.redirect(url, 308);
  }
  headers.set('x-language', isPrefixed ? 'en' : 'fa');
  headers.set('x-path', isPrefixed ? url.pathname.slice(3) || '/' : url.pathname);
  if (!isPrefixed) url.pathname = `/fa${url.pathname === '/' ? '' : url.pathname}`;
  const response = NextResponse.rewrite(url, { request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('referrer-policy', 'strict-origin-when-cross-origin');
  response.headers.set('cross-origin-opener-policy', 'same-origin');
  return response;
}

export const config = { matcher: ['/((?!api/|_next/|robots.txt|sitemap.xml|icon.svg|favicon.ico).*)'] };
