import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { exportJWK, generateKeyPair, CompactSign, type JWK } from 'jose';
import type { Operation, Role } from '@kelid/contracts/contract';
import { type Host, startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { waitFor } from '@kelid/testing/start-service';
import type { CallContext } from '@kelid/service/invoke';
import { WebSocket } from 'ws';
import { type Gateway, startGateway } from './service.ts';

// The gateway of its tests, with services behind it that answer what a test says.

export type Answer = (input: Record<string, unknown>, context: CallContext) => unknown;
export interface Seen {
  name: string;
  input: Record<string, unknown>;
  context: CallContext;
}

export const tokenSecret = 'a secret of the test run, long enough';
export const kid = newId();
export const allowedOrigin = 'https://shop.ir';
const asksByItself =
  /^(identity[.](getJwks|listRevocations|checkSession|redeemWsTicket|claimStaffView|recordViewedCustomers)|catalog[.]getCacheVersion|notifications[.]listFeedSince)$/;

export let host: Host;
export let gateway: Gateway;
let privateKey: CryptoKey;
export let publicJwk: JWK;
export const logLines: string[] = [];
export const seen: Seen[] = [];
export const answers = new Map<string, Answer>();
export const revoked = new Set<string>();
export const liveTickets = new Map<string, { userId: string; sessionId: string }>();
export const feed: {
  userId: string;
  entry: { id: string; type: string; data: Record<string, unknown>; at: string };
}[] = [];
let version = 1;
/** What each write to the catalogue does. */
export const writeToCatalog = () => (version += 1);
let versionReadCount = 0;
/** The gateways have read the version after this moment: two reads have begun, so one has ended. */
export async function versionRead(): Promise<void> {
  const before = versionReadCount;
  await waitFor('the version to be read', async () => versionReadCount >= before + 2);
}
export const more: Gateway[] = [];

const env = (changes: Record<string, string> = {}) => ({
  PORT: '0',
  GATEWAY_CORS_ORIGINS: allowedOrigin,
  GATEWAY_ANONYMOUS_PER_MINUTE: '1000000',
  GATEWAY_USER_PER_MINUTE: '1000000',
  ...changes,
});

beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { extractable: true });
  privateKey = pair.privateKey;
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid };
  const urls = ['IDENTITY', 'CATALOG', 'ORDERS', 'PAYMENTS', 'INVENTORY', 'NOTIFICATIONS'].map((name) => [
    `${name}_URL`,
    'http://answered-by-the-test',
  ]);
  host = await startHost({
    services: [],
    env: { ...Object.fromEntries(urls), SERVICE_TOKEN_SECRET: tokenSecret, INTERNAL_PORT: '0', LOG_LEVEL: 'debug' },
    logDestination: { write: (line) => void logLines.push(line) },
    remoteCall: async (service, operation, input, context) => {
      const name = `${service}.${operation}`;
      const given = input as Record<string, unknown>;
      if (!asksByItself.test(name)) seen.push({ name, input: given, context });
      return {
        output: await (answers.get(name) ?? own[name] ?? (() => ({ ok: true })))(given, context),
        headers: { 'set-cookie': 'from=service' },
      };
    },
  });
  gateway = await startGateway(host, env());
});
beforeEach(() => {
  seen.length = 0;
  answers.clear();
});
// Only one gateway at a time reads the version by itself: see versionRead.
afterEach(() => Promise.all(more.splice(0).map((open) => open.close())));
afterAll(async () => {
  await gateway.close();
  await host.close();
});

/** What the services behind the door answer unless a test says otherwise. */
const own: Record<string, Answer> = {
  'identity.getJwks': () => ({ keys: [publicJwk] }),
  'identity.listRevocations': () => ({ sessionIds: [...revoked], asOf: new Date(Date.now()).toISOString() }),
  'identity.checkSession': () => ({ isLive: true }),
  'identity.claimStaffView': () => ({ viewId: newId() }),
  'identity.redeemWsTicket': ({ ticket }) => {
    const session = liveTickets.get(String(ticket)) ?? null;
    liveTickets.delete(String(ticket));
    return { session };
  },
  'catalog.getCacheVersion': () => {
    versionReadCount += 1;
    return { version };
  },
  'catalog.getMedia': () => ({ contentType: 'image/png', contentBase64: 'AAAA', isPublic: true }),
  'notifications.listFeedSince': ({ since, userId }) => ({
    items: feed.filter(
      (item) =>
        (userId === undefined || item.userId === userId) &&
        Date.parse(item.entry.at) > (typeof since === 'string' ? Date.parse(since) : Date.now()) - 2_000,
    ),
    asOf: new Date(Date.now()).toISOString(),
  }),
  'payments.handlePspCallback': () => ({ location: 'https://shop.ir/payment/result' }),
};

export async function gatewayWith(changes: Record<string, string>): Promise<Gateway> {
  const started = await startGateway(host, env(changes));
  more.push(started);
  return started;
}

export const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
export const seconds = () => Math.floor(Date.now() / 1000);
export function claimsOf(roles: Role[] = ['customer'], sessionId = newId(), userId = newId()) {
  const now = seconds();
  return { iss: 'kelid', aud: 'kelid-api', sub: userId, sid: sessionId, jti: newId(), roles, nbf: now, exp: now + 600 };
}
export function sign(claims: object, header: Record<string, unknown> = {}, key = privateKey): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header })
    .sign(key);
}
export const tokenOf = (...who: Parameters<typeof claimsOf>) => sign(claimsOf(...who));
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export function get(path: string, headers: Record<string, string> = {}, at = gateway): Promise<Response> {
  return fetch(at.url + path, { headers });
}
export function post(
  path: string,
  body: string,
  headers: Record<string, string> = {},
  at = gateway,
): Promise<Response> {
  return fetch(at.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}
export const pathOf = (operation: Operation) => `/api/v1${operation.path.replaceAll(/\{\w+\}/g, () => newId())}`;
export function callOperation(operation: Operation, headers: Record<string, string>, at: Gateway): Promise<Response> {
  const hasBody = operation.method !== 'GET';
  const isUpload = operation.transport === 'upload';
  const question = operation.path.endsWith('/suggest') ? '?q=a' : '';
  return fetch(at.url + pathOf(operation) + question, {
    method: operation.method,
    redirect: 'manual',
    headers: { ...(hasBody ? { 'content-type': isUpload ? 'image/png' : 'application/json' } : {}), ...headers },
    ...(hasBody ? { body: isUpload ? 'png' : '{}' } : {}),
  });
}

const pageUrl = (query: string) => `${gateway.url.replace('http', 'ws')}/ws?${query}`;
/** The status that an attempt to open a live page is refused with, or 101. */
export function openingOf(ticket: string | undefined, origin?: string): Promise<number> {
  const socket = new WebSocket(pageUrl(ticket === undefined ? '' : `ticket=${ticket}`), origin ? { origin } : {});
  return new Promise((done) => {
    socket.on('unexpected-response', (_request, response) => done(response.statusCode ?? 0));
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.close();
      done(101);
    });
  });
}
export async function openPage(userId: string, sessionId = newId(), query = '') {
  const ticket = newId();
  liveTickets.set(ticket, { userId, sessionId });
  const socket = new WebSocket(pageUrl(`ticket=${ticket}${query}`), { origin: allowedOrigin });
  const got: { id: string; data: unknown }[] = [];
  socket.on('message', (text: Buffer) => got.push(JSON.parse(text.toString()) as (typeof got)[number]));
  await once(socket, 'open');
  return { socket, got };
}
export function happen(userId: string, agoMs = 0): string {
  const entry = { id: newId(), type: 'order.status-changed', data: {}, at: new Date(Date.now() - agoMs).toISOString() };
  feed.push({ userId, entry });
  return entry.id;
}
