import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { waitFor } from '@kelid/testing/start-service';
import { afterEach, expect, test } from 'vitest';
import { createFastify } from './fastify.ts';
import { cutSlowReaders } from './slow-clients.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function open(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

test('F25 A93: a client has 10 seconds for its headers, 15 for its request and 30 of silence, and who is late is looked for each second', async () => {
  const server = createFastify({}, () => false);
  server.post('/', async () => ({}));
  closers.push(() => server.close());
  const { server: http } = server;
  const settings = {
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    timeout: 30_000,
    connectionsCheckingInterval: 1_000,
  };
  expect(http).toMatchObject(settings);
  // The same server with less patience, so that the test needs none.
  http.headersTimeout = 50;
  http.requestTimeout = 100;
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = http.address() as AddressInfo;
  const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
  const late = [
    await open(port),
    await open(port, head),
    await open(port, `${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`),
  ];
  await Promise.all(late.map((socket) => once(socket.resume(), 'close')));
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' });
  expect(answer.status).toBe(200);
});

test('F25: who does not take a finished answer in is cut off, and who takes it in at leisure gets all of it', async () => {
  const body = Buffer.alloc(40 * 1024 * 1024, 'x');
  const cut: boolean[] = [];
  const server = createServer((_request, response) => {
    response.once('close', () => cut.push(!response.writableFinished));
    response.end(body);
  });
  cutSlowReaders(server, 3_000);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect((await answer.bytes()).length).toBe(body.length);
  await open(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'); // It never reads.
  await waitFor('the end of who never reads', async () => cut.length === 2);
  expect(cut.toSorted()).toEqual([false, true]);
});
