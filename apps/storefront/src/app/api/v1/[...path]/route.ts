import type { NextRequest } from 'next/server';
import {
  forbidden,
  internalError,
  methodNotAllowed,
  payloadTooLarge,
  routeNotFound,
  serviceUnavailable,
  unsupportedMediaType,
} from '@kelid/contracts/common';
import { ProblemError } from '@kelid/contracts/contract';
import { TokenSet } from '@kelid/contracts/identity';
import { findRoute, type Route } from '@kelid/contracts/routes';
import { askGateway, gatewayUrl, shopUrl } from '../../../../lib/gateway.ts';
import { logFault } from '../../../../lib/log.ts';
import {
  clearCookie,
  cookieNames,
  deviceOf,
  refreshTokens,
  setCookie,
  tokenCookies,
} from '../../../../lib/session-cookies.ts';

// The shop's pages call the API on their own origin; here the cookies become headers and the tokens of answers become cookies. What is
// special about a call is known by its operation: an address can be spelt in many ways.

const cartSeconds = 30 * 86_400;
/** Longer than the gateway lets any operation take. */
const timeoutMs = 25_000;
const passedBack = [
  'content-type',
  'cache-control',
  'etag',
  'retry-after',
  'x-request-id',
  'x-cache',
  'idempotency-replayed',
];
const takesDevice = new Set(['requestOtp', 'verifyOtp']);
const endsSession = new Set(['logout', 'logoutAll']);

export const dynamic = 'force-dynamic';
export { forward as GET, forward as POST, forward as PUT, forward as PATCH, forward as DELETE };

async function forward(request: NextRequest): Promise<Response> {
  // Kept apart from the answer: a session that was renewed is renewed, whatever becomes of the call.
  const cookies: string[] = [];
  const answer = await answerTo(request, cookies);
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie);
  return answer;
}

async function answerTo(request: NextRequest, cookies: string[]): Promise<Response> {
  try {
    const { route, path, methods } = findRoute(request.method, request.nextUrl.pathname);
    if (!route) throw methods.length > 0 ? methodNotAllowed() : routeNotFound();
    // Banks and suppliers come to the gateway itself, and the tokens of a session are exchanged here only, on the server.
    const { transport } = route.operation;
    if (transport === 'form' || transport === 'webhook' || route.name === 'refreshSession') throw routeNotFound();
    return await call(request, route, path, cookies);
  } catch (error) {
    return problemOf(error);
  }
}

async function call(
  request: NextRequest,
  { name, operation }: Route,
  path: string,
  cookies: string[],
): Promise<Response> {
  const isSafe = request.method === 'GET';
  if (!isSafe && !isOwnPage(request)) throw forbidden();
  const isMedia = operation.transport === 'download';
  let body = isSafe ? undefined : await readText(request, operation.bodyBytesMax);
  if (body && !request.headers.get('content-type')?.startsWith('application/json')) throw unsupportedMediaType();

  const isSigningIn = takesDevice.has(name);
  if (isSigningIn) {
    const device = deviceOf(request.cookies.get(cookieNames.device)?.value);
    cookies.push(setCookie(cookieNames.device, device, 365 * 86_400));
    body = JSON.stringify({ ...parseObject(body), device });
  }
  let access = request.cookies.get(cookieNames.access)?.value;
  const refresh = request.cookies.get(cookieNames.refresh)?.value;
  const cart = request.cookies.get(cookieNames.cart)?.value;

  const send = () =>
    askGateway(`${gatewayUrl}${path}${request.nextUrl.search}`, {
      method: request.method,
      headers: headersOf(request, isMedia ? undefined : access, cart),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body } : {}),
    });

  if (access === undefined && refresh !== undefined && !isMedia && !isSigningIn) access = await renew();
  let answer = await send();
  if (answer.status === 401 && refresh !== undefined && access !== undefined && !isSigningIn) {
    access = await renew();
    answer = await send();
  }
  return finish();

  async function renew(): Promise<string | undefined> {
    const tokens = refresh === undefined ? undefined : await refreshTokens(gatewayUrl, refresh);
    cookies.push(
      ...(tokens ? tokenCookies(tokens) : [clearCookie(cookieNames.access), clearCookie(cookieNames.refresh)]),
    );
    return tokens?.accessToken;
  }

  async function finish(): Promise<Response> {
    const headers = new Headers();
    for (const passed of passedBack) {
      const value = answer.headers.get(passed);
      if (value !== null) headers.set(passed, value);
    }
    const cartToken = answer.headers.get('x-cart-token');
    if (cartToken) cookies.push(setCookie(cookieNames.cart, cartToken, cartSeconds));
    let content: string | ArrayBuffer = isMedia ? await answer.arrayBuffer() : await answer.text();
    if (name === 'verifyOtp' && answer.ok && typeof content === 'string') {
      const tokens = TokenSet.parse(JSON.parse(content));
      cookies.push(...tokenCookies(tokens));
      content = JSON.stringify({ user: tokens.user });
    }
    if (endsSession.has(name) && answer.ok)
      cookies.push(clearCookie(cookieNames.access), clearCookie(cookieNames.refresh));
    // A guest cart that was merged, or is none any more, needs no token.
    const isCart = operation.path.startsWith('/cart');
    if (
      isCart &&
      cart !== undefined &&
      ((answer.ok && access !== undefined) ||
        (answer.status === 404 && typeof content === 'string' && content.includes('orders.cart-not-found')))
    )
      cookies.push(clearCookie(cookieNames.cart));
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
  // Behind a proxy this server's own address is not the one that browsers know.
  const origin = request.headers.get('origin');
  return origin !== null && (origin === request.nextUrl.origin || origin === new URL(shopUrl).origin);
}

function headersOf(request: NextRequest, access: string | undefined, cart: string | undefined): Headers {
  const headers = new Headers({ accept: 'application/json' });
  for (const name of ['content-type', 'idempotency-key', 'if-none-match', 'user-agent']) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (access !== undefined) headers.set('authorization', `Bearer ${access}`);
  if (cart !== undefined) headers.set('x-cart-token', cart);
  return headers;
}

/** The body as far as the operation takes one; what is longer is given up in the middle, however it is sent. */
async function readText(request: NextRequest, bytesMax: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  for await (const part of request.body ?? []) {
    byteCount += part.byteLength;
    if (byteCount > bytesMax) throw payloadTooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function parseObject(body: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body || '{}');
    return parsed !== null && typeof parsed === 'object' ? Object.fromEntries(Object.entries(parsed)) : {};
  } catch {
    return {};
  }
}

/** What was refused or is away says so. Anything else is a bug of this server, which somebody has to read about. */
function problemOf(error: unknown): Response {
  const isKnown = error instanceof ProblemError;
  const isLate = error instanceof DOMException && error.name === 'TimeoutError';
  if (!isKnown && !isLate) logFault('error', 'a call through the shop failed in an undeclared way', error);
  const problem = isKnown ? error : isLate ? serviceUnavailable({ retryAfterSeconds: 5 }) : internalError();
  const { retryAfterSeconds } = problem;
  return new Response(JSON.stringify(problem.toBody()), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterSeconds !== undefined ? { 'retry-after': String(retryAfterSeconds) } : {}),
    },
  });
}
