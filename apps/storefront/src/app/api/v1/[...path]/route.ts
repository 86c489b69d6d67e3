import { randomBytes } from 'node:crypto';
import type { NextRequest } from 'next/server';
import { gatewayUrl } from '../../../../lib/gateway.ts';
import {
  clearCookie,
  cookieNames,
  refreshTokens,
  setCookie,
  tokenCookies,
  Tokens,
} from '../../../../lib/session-cookies.ts';

// The shop's pages call the API on their own origin; here the cookies become headers and the tokens of answers become cookies.

const bodyBytesMax = 64 * 1024;
/** A complaint may carry a picture of a mebibyte, which base64 makes a third longer. */
const complaintBytesMax = 1_500_000;
const cartSeconds = 30 * 86_400;
const passedBack = [
  'content-type',
  'cache-control',
  'etag',
  'retry-after',
  'x-request-id',
  'x-cache',
  'idempotency-replayed',
];

export const dynamic = 'force-dynamic';
export { forward as GET, forward as POST, forward as PUT, forward as PATCH, forward as DELETE };

async function forward(request: NextRequest): Promise<Response> {
  const isSafe = request.method === 'GET';
  if (!isSafe && !isOwnPage(request)) return problem(403, 'forbidden');
  const path = request.nextUrl.pathname;
  const isMedia = path.startsWith('/api/v1/media/');
  let body = isSafe ? undefined : await request.text();
  const bytesMax = /^\/api\/v1\/orders\/[^/]+\/keys\/[^/]+\/complaint$/.test(path) ? complaintBytesMax : bodyBytesMax;
  if (body !== undefined && body.length > bytesMax) return problem(413, 'payload-too-large');
  if (body && !request.headers.get('content-type')?.startsWith('application/json'))
    return problem(415, 'unsupported-media-type');

  const cookies: string[] = [];
  let device = request.cookies.get(cookieNames.device)?.value;
  if (path === '/api/v1/auth/otp/request' || path === '/api/v1/auth/otp/verify') {
    device ??= randomBytes(24).toString('base64url');
    cookies.push(setCookie(cookieNames.device, device, 365 * 86_400));
    body = JSON.stringify({ ...parseObject(body), device });
  }
  let access = request.cookies.get(cookieNames.access)?.value;
  const refresh = request.cookies.get(cookieNames.refresh)?.value;
  const cart = request.cookies.get(cookieNames.cart)?.value;

  const send = () =>
    fetch(`${gatewayUrl}${path}${request.nextUrl.search}`, {
      method: request.method,
      headers: headersOf(request, isMedia ? undefined : access, cart),
      cache: 'no-store',
      redirect: 'manual',
      ...(body ? { body } : {}),
    });

  try {
    if (access === undefined && refresh !== undefined && !isMedia && !path.startsWith('/api/v1/auth/otp'))
      access = await renew();
    let answer = await send();
    if (
      answer.status === 401 &&
      refresh !== undefined &&
      access !== undefined &&
      !path.startsWith('/api/v1/auth/otp')
    ) {
      access = await renew();
      answer = await send();
    }
    return await finish(answer);
  } catch {
    return problem(503, 'service-unavailable');
  }

  async function renew(): Promise<string | undefined> {
    const tokens = refresh === undefined ? undefined : await refreshTokens(gatewayUrl, refresh);
    cookies.push(
      ...(tokens ? tokenCookies(tokens) : [clearCookie(cookieNames.access), clearCookie(cookieNames.refresh)]),
    );
    return tokens?.accessToken;
  }

  async function finish(answer: Response): Promise<Response> {
    const headers = new Headers();
    for (const name of passedBack) {
      const value = answer.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const cartToken = answer.headers.get('x-cart-token');
    if (cartToken) cookies.push(setCookie(cookieNames.cart, cartToken, cartSeconds));
    let content: string | ArrayBuffer = isMedia ? await answer.arrayBuffer() : await answer.text();
    if (path === '/api/v1/auth/otp/verify' && answer.ok && typeof content === 'string') {
      const tokens = Tokens.parse(JSON.parse(content));
      cookies.push(...tokenCookies(tokens));
      content = JSON.stringify({ user: tokens.user });
    }
    if (path.startsWith('/api/v1/auth/logout') && answer.ok)
      cookies.push(clearCookie(cookieNames.access), clearCookie(cookieNames.refresh));
    // A guest cart that was merged, or is none any more, needs no token.
    const isCart = path.startsWith('/api/v1/cart');
    if (
      isCart &&
      cart !== undefined &&
      ((answer.ok && access !== undefined) ||
        (answer.status === 404 && typeof content === 'string' && content.includes('orders.cart-not-found')))
    )
      cookies.push(clearCookie(cookieNames.cart));
    for (const cookie of cookies) headers.append('set-cookie', cookie);
    return new Response(answer.status === 204 || answer.status === 304 ? null : content, {
      status: answer.status,
      headers,
    });
  }
}

/** A form or script of another site must not act with our cookies. */
function isOwnPage(request: NextRequest): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  return request.headers.get('origin') === request.nextUrl.origin;
}

function headersOf(request: NextRequest, access: string | undefined, cart: string | undefined): Headers {
  const headers = new Headers({ accept: 'application/json' });
  for (const name of ['content-type', 'idempotency-key', 'if-none-match', 'user-agent']) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (access !== undefined) headers.set('authorization', `Bearer ${access}`);
  if (cart !== undefined) headers.set('x-cart-token', cart);
  const forwarded = request.headers.get('x-forwarded-for');
  if (forwarded !== null) headers.set('x-forwarded-for', forwarded);
  return headers;
}

function parseObject(body: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body ?? '{}');
    return parsed !== null && typeof parsed === 'object' ? Object.fromEntries(Object.entries(parsed)) : {};
  } catch {
    return {};
  }
}

function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ type: `/problems/${code}`, title: code, status, code }), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}
