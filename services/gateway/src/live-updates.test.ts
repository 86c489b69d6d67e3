import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceUnavailable } from '@kelid/contracts/common';
import { newId } from '@kelid/service/ids';
import { waitFor } from '@kelid/testing/start-service';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  allowedOrigin,
  answers,
  feed,
  gateway,
  gatewayWith,
  get,
  happen,
  liveTickets,
  openingOf,
  openPage,
} from './test-gateway.ts';

test('A86: a live page opens by a fresh ticket from a listed origin only, and a huge frame ends it', async () => {
  const ticket = () => {
    const made = newId();
    liveTickets.set(made, { userId: newId(), sessionId: newId() });
    return made;
  };
  const used = ticket();
  expect(await openingOf(used, allowedOrigin)).toBe(101);
  expect(await openingOf(used, allowedOrigin)).toBe(403);
  expect(await openingOf(undefined, allowedOrigin)).toBe(403);
  expect(await openingOf(ticket(), 'https://evil.com')).toBe(403);
  expect(await openingOf(ticket(), 'null')).toBe(403);
  const { socket } = await openPage(newId());
  const closed = once(socket, 'close');
  socket.send('x'.repeat(1024 * 1024));
  expect((await closed)[0]).toBe(1009);
});

test('A86: a connection that breaks while its ticket is read ends nothing but itself', async () => {
  answers.set('identity.redeemWsTicket', () => sleep(300).then(() => ({ session: null })));
  const { port } = new URL(gateway.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'GET /ws?ticket=x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await sleep(100);
  socket.resetAndDestroy();
  await sleep(400);
  expect((await get('/health')).status).toBe(200);
});

test('NT-5: an open page gets the entries of its own user, each once, and `since` replays what it missed', async () => {
  const [userId, other] = [newId(), newId()];
  const { socket, got } = await openPage(userId);
  happen(other);
  const first = happen(userId);
  await waitFor('the entry', async () => got.length > 0);
  await sleep(500);
  expect(got.map(({ id }) => id)).toEqual([first]);
  socket.close();

  const since = new Date(Date.now() - 60_000).toISOString();
  const missed = [happen(userId, 50_000), happen(userId, 40_000)];
  happen(other, 45_000);
  const before = happen(userId, 61_000);
  const again = await openPage(userId, newId(), `&since=${since}`);
  await waitFor('the missed entries', async () => missed.every((id) => again.got.some((entry) => entry.id === id)));
  expect(again.got.map(({ id }) => id)).not.toContain(before);
  again.socket.close();

  // A replay that fails closes the page, which then comes again; it must not take the process with it.
  answers.set('notifications.listFeedSince', () => {
    throw serviceUnavailable({ retryAfterSeconds: 1 });
  });
  const unlucky = await openPage(userId, newId(), `&since=${since}`);
  expect((await once(unlucky.socket, 'close'))[0]).toBe(1011);
});

test('A86: a user has five live pages and an address sixty-four, and room is made when one closes', async () => {
  const shopOf = await gatewayWith({ GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  const opened: WebSocket[] = [];
  const open = async (userId: string, address: string): Promise<number> => {
    const ticket = newId();
    liveTickets.set(ticket, { userId, sessionId: newId() });
    const socket = new WebSocket(`${shopOf.url.replace('http', 'ws')}/ws?ticket=${ticket}`, {
      origin: allowedOrigin,
      headers: { 'x-forwarded-for': address },
    });
    socket.on('error', () => undefined);
    return new Promise((done) => {
      socket.on('unexpected-response', (_request, response) => done(response.statusCode ?? 0));
      socket.on('open', () => {
        opened.push(socket);
        done(101);
      });
    });
  };
  const userId = newId();
  for (let count = 1; count <= 5; count += 1) expect(await open(userId, `198.51.100.${count}`)).toBe(101);
  expect(await open(userId, '198.51.100.6')).toBe(403);
  opened[0]?.close();
  await waitFor('room for one more', async () => (await open(userId, `198.51.100.7`)) === 101);

  for (let count = 1; count <= 64; count += 1) expect(await open(newId(), '203.0.113.1'), String(count)).toBe(101);
  expect(await open(newId(), '203.0.113.1')).toBe(429);
  expect(await open(newId(), '203.0.113.2')).toBe(101);
  opened.at(-2)?.close();
  await waitFor('room at that address', async () => (await open(newId(), '203.0.113.1')) === 101);
  for (const socket of opened) socket.terminate();
});

test('A86: an address tries to open 120 live pages a minute, and the next attempt is told when to come back', async () => {
  const shopOf = await gatewayWith({});
  const attempt = async (): Promise<[number, string | undefined]> => {
    const socket = new WebSocket(`${shopOf.url.replace('http', 'ws')}/ws?ticket=made-up`);
    socket.on('error', () => undefined);
    return new Promise((done) => {
      socket.on('unexpected-response', (_request, { statusCode, headers }) =>
        done([statusCode ?? 0, headers['retry-after']]),
      );
    });
  };
  for (let count = 0; count < 120; count += 1) expect((await attempt())[0]).toBe(403);
  const [status, retryAfter] = await attempt();
  expect([status, Number(retryAfter) > 0]).toEqual([429, true]);
});

test('A86: a page may say twenty things in ten seconds, which nobody reads; then it is cut off', async () => {
  const { socket } = await openPage(newId());
  const closed = once(socket, 'close');
  for (let count = 0; count < 10; count += 1) {
    socket.send('hello');
    socket.ping();
  }
  const pong = once(socket, 'pong');
  await pong;
  expect(socket.readyState).toBe(WebSocket.OPEN);
  for (let count = 0; count < 1_000; count += 1) socket.send('hello');
  expect((await closed)[0]).toBe(1008);
});

test('F26: a page that does not read is dropped at a mebibyte of what waits for it, and the others go on', async () => {
  const [userId, other] = [newId(), newId()];
  const slow = await openPage(userId);
  const quick = await openPage(other);
  slow.socket.pause();
  const closed = once(slow.socket, 'close');
  const at = () => new Date().toISOString();
  const text = 'x'.repeat(100_000);
  // More than the kernel's own buffers take for it.
  for (let count = 0; count < 400; count += 1)
    feed.push({ userId, entry: { id: newId(), type: 'order.status-changed', data: { text }, at: at() } });
  const last = happen(userId);
  const mine = happen(other);
  await waitFor('the other page’s entry', async () => quick.got.some(({ id }) => id === mine));
  slow.socket.resume();
  expect((await closed)[0]).toBe(1006);
  expect(slow.got.map(({ id }) => id)).not.toContain(last);
  feed.length = 0;
  quick.socket.close();
});
