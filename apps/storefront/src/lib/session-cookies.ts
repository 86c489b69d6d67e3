import { randomBytes } from 'node:crypto';
import { createHttpClient } from '@kelid/contracts/client';
import { ProblemError } from '@kelid/contracts/contract';
import { identityContract, type TokenSet } from '@kelid/contracts/identity';
import { askGateway } from './gateway.ts';

// Tokens live in cookies that scripts can't read; the browser never sees them in a body.
export const cookieNames = {
  access: '__Host-kelid_access',
  refresh: '__Host-kelid_refresh',
  cart: '__Host-kelid_cart',
  device: '__Host-kelid_device',
};

export function setCookie(name: string, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}`;
}

/** The device that a browser is known by: its cookie, or a new one for what the API would not take. */
export function deviceOf(cookie: string | undefined): string {
  return cookie !== undefined && /^[\w-]{16,64}$/.test(cookie) ? cookie : randomBytes(24).toString('base64url');
}

export function clearCookie(name: string): string {
  return setCookie(name, '', 0);
}

export function tokenCookies(tokens: TokenSet): string[] {
  const seconds = (instant: string) => (new Date(instant).getTime() - Date.now()) / 1000;
  return [
    setCookie(cookieNames.access, tokens.accessToken, seconds(tokens.expiresAt)),
    setCookie(cookieNames.refresh, tokens.refreshToken, seconds(tokens.refreshExpiresAt)),
  ];
}

const running = new Map<string, Promise<TokenSet | undefined>>();

/**
 * Exchanges a refresh token, once for all requests that arrive with it together: two tabs must not rotate it against each other.
 * Undefined when it is refused; throws when the shop does not answer or is asked too often, for then the session may well be alive.
 */
export function refreshTokens(gatewayUrl: string, refreshToken: string): Promise<TokenSet | undefined> {
  const known = running.get(refreshToken);
  if (known) return known;
  const work = exchange(gatewayUrl, refreshToken);
  running.set(refreshToken, work);
  // Kept a little longer than the exchange itself, for requests that were sent before the new cookies arrived.
  const forget = () => setTimeout(() => running.delete(refreshToken), 5_000).unref();
  work.then(forget, () => running.delete(refreshToken));
  return work;
}

async function exchange(gatewayUrl: string, refreshToken: string): Promise<TokenSet | undefined> {
  const identity = createHttpClient(identityContract, { baseUrl: gatewayUrl, timeoutMs: 10_000, fetch: askGateway });
  return identity.refreshSession({ refreshToken }).catch((error: unknown) => {
    if (error instanceof ProblemError && error.status < 500 && error.status !== 429) return undefined;
    throw error;
  });
}
