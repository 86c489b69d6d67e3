import { createServer, type Server } from 'node:http';
import { notificationsContract } from '@kelid/contracts/notifications';
import { serviceUnavailable } from '@kelid/contracts/common';
import { afterEach, expect, test } from 'vitest';
import { newId } from './ids.ts';
import { createClient, createRemoteCall } from './peers.ts';

const servers: Server[] = [];
/** Instead of a status: there is no answer. */
const silent = -1;
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A peer that answers each request with the next of these statuses (the last one from then on), and counts what it got. */
async function startPeer(...statuses: number[]) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const status = statuses[Math.min(requests.length, statuses.length - 1)] ?? 200;
    requests.push(request.url ?? '');
    if (status === 0) return request.socket.destroy();
    if (status === silent) return undefined;
    const body =
      status === 200
        ? { output: { items: [], asOf: '2026-11-21T00:00:00Z' }, headers: {} }
        : { type: '/problems/x', title: 'x', status, code: 'x' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  const call = createRemoteCall({
    urlOf: () => url,
    secret: new TextEncoder().encode('a secret of the test run, long enough'),
  });
  const client = createClient(notificationsContract, call, {
    actor: { kind: 'service', name: 'gateway' },
    origin: { ip: '127.0.0.1', userAgent: 'vitest' },
    requestId: newId(),
    signal: AbortSignal.timeout(20_000),
  });
  return { client, requests };
}

test('a question to another service that broke off is asked once more', async () => {
  const { client, requests } = await startPeer(0, 200);
  expect(await client.listFeedSince({})).toMatchObject({ items: [] });
  expect(requests).toHaveLength(2);
});

test('a command that broke off is not sent again, since nobody knows what came of it', async () => {
  const { client, requests } = await startPeer(0);
  await expect(client.markNotificationsRead({})).rejects.toSatisfy(serviceUnavailable.is);
  expect(requests).toHaveLength(1);
});

test('a command with an idempotency key may be sent again, since its effect happens once', async () => {
  const { client, requests } = await startPeer(503, 200);
  await client.markNotificationsRead({}, { idempotencyKey: newId() });
  expect(requests).toHaveLength(2);
});

test('a service that fails again and again is left alone, and callers hear so at once', async () => {
  const { client, requests } = await startPeer(500);
  for (let attempt = 0; attempt < 10; attempt += 1) await expect(client.markNotificationsRead({})).rejects.toThrow();
  expect(requests).toHaveLength(10);
  // It is not even asked, so nobody waits for it.
  await expect(client.markNotificationsRead({})).rejects.toSatisfy(serviceUnavailable.is);
  expect(requests).toHaveLength(10);
});

test('a service that says no is not one that fails: a hundred refusals shut nobody out', async () => {
  const { client, requests } = await startPeer(409);
  for (let attempt = 0; attempt < 100; attempt += 1)
    await expect(client.markNotificationsRead({})).rejects.toMatchObject({ status: 409 });
  expect(requests).toHaveLength(100);
});

test('callers that go away are no failure of the other service, which is asked on', async () => {
  const { client, requests } = await startPeer(...Array<number>(12).fill(silent), 200);
  for (let call = 1; call <= 12; call += 1) {
    const aborter = new AbortController();
    const answer = client.listFeedSince({}, { signal: aborter.signal });
    const refused = expect(answer).rejects.toSatisfy(serviceUnavailable.is);
    await expect.poll(() => requests).toHaveLength(call);
    aborter.abort();
    await refused;
  }
  expect(await client.listFeedSince({})).toMatchObject({ items: [] });
});
