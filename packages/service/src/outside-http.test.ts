import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createOutsideHttp, type OutsideCall } from './outside-http.ts';

let server: Server;
let baseUrl: string;
/** Who is being asked and has no answer yet, by path. */
const open = new Map<string, ServerResponse>();
let asked: string[];
let brokenOff: string[];

async function urlOf(listener: Server): Promise<string> {
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const address = listener.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
}

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response) => {
    const path = request.url ?? '';
    asked.push(path);
    response.once('close', () => {
      open.delete(path);
      if (!response.writableFinished) brokenOff.push(path);
    });
    if (path.startsWith('/hang')) return void open.set(path, response);
    if (path === '/elsewhere') return void response.writeHead(302, { location: '/found' }).end();
    if (path === '/long') return void response.end('x'.repeat(2_000));
    if (path === '/broken') return void response.writeHead(500).end();
    request.resume().once('end', () => response.end('{"status":"ok","code":"SECRET"}'));
    return undefined;
  });
  baseUrl = await urlOf(server);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  brokenOff = [];
  open.clear();
});

const outside = (more: Partial<Parameters<typeof createOutsideHttp>[0]> = {}) =>
  createOutsideHttp({ name: 'the other side', baseUrl, inFlightMax: 1, whenFull: 'wait', ...more });
const get = (path: string, signal?: AbortSignal) => ({ method: 'GET' as const, path, timeoutMs: 20_000, signal });
const isAsked = (path: string) => expect.poll(() => asked).toContain(path);

test('a caller that gives up while it waits takes no turn, and those behind it have theirs', async () => {
  const http = outside();
  const aborter = new AbortController();
  const first = http.send(get('/hang'));
  await isAsked('/hang');
  const second = http.send(get('/second', aborter.signal));
  const third = http.send(get('/third'));
  aborter.abort();
  expect(await second).toBe('unsent');
  open.get('/hang')?.end('first');
  expect(await first).toMatchObject({ text: 'first' });
  expect(await third).toMatchObject({ status: 200 });
  expect(asked).toEqual(['/hang', '/third']);
});

test('nobody waits for a turn longer than for an answer', async () => {
  const http = outside();
  const first = http.send(get('/hang'));
  await isAsked('/hang');
  expect(await http.send({ ...get('/late'), timeoutMs: 20 })).toBe('unsent');
  open.get('/hang')?.end();
  await first;
  expect(asked).toEqual(['/hang']);
});

test('a question whose caller gives up is broken off and its turn is free, and it is no failure of the other side', async () => {
  const http = outside();
  for (let call = 0; call < 12; call += 1) {
    const aborter = new AbortController();
    const answer = http.send(get(`/hang/${call}`, aborter.signal));
    await isAsked(`/hang/${call}`);
    aborter.abort();
    expect(await answer).toBe('unanswered');
  }
  await expect.poll(() => brokenOff).toHaveLength(12);
  expect(http.isUp()).toBe(true);
  expect(await http.send(get('/found'))).toMatchObject({ status: 200 });
});

test('a write that was sent goes on when its caller has gone; one that was not sent yet never is', async () => {
  const http = outside();
  const aborter = new AbortController();
  const write = (path: string) =>
    http.send({ method: 'POST', path, json: {}, timeoutMs: 20_000, signal: aborter.signal, isWrite: true });
  const sent = write('/hang');
  const waiting = write('/second');
  await isAsked('/hang');
  aborter.abort();
  expect(await waiting).toBe('unsent');
  open.get('/hang')?.end('done');
  expect(await sent).toMatchObject({ status: 200, text: 'done' });
  expect(await write('/third')).toBe('unsent');
  expect([asked, brokenOff]).toEqual([['/hang'], []]);
});

test('where nobody waits, one call too many is not sent', async () => {
  const http = outside({ whenFull: 'refuse' });
  const first = http.send(get('/hang'));
  await isAsked('/hang');
  expect(await http.send(get('/second'))).toBe('unsent');
  open.get('/hang')?.end();
  await first;
  expect(await http.send(get('/third'))).toMatchObject({ status: 200 });
});

test('redirects are not followed, long answers are not read, and where nobody listens nobody was asked', async () => {
  const http = outside({ answerBytesMax: 1_000 });
  expect(await http.send(get('/elsewhere'))).toBe('unanswered');
  expect(await http.send(get('/long'))).toBe('unanswered');
  expect(await http.send({ ...get('/long'), answerBytesMax: 2_000 })).toMatchObject({ status: 200 });
  expect(await http.send({ ...get('/hang'), timeoutMs: 20 })).toBe('unanswered');
  const nobody = createServer();
  const nowhere = await urlOf(nobody);
  await new Promise((done) => nobody.close(done));
  expect(await outside({ baseUrl: nowhere }).send(get('/found'))).toBe('unreached');
  expect(asked).not.toContain('/found');
});

test('who fails ten times is left alone', async () => {
  const http = outside();
  for (let call = 0; call < 10; call += 1) expect(await http.send(get('/broken'))).toMatchObject({ status: 500 });
  expect(http.isUp()).toBe(false);
  expect(await http.send(get('/broken'))).toBe('unsent');
  expect(asked).toHaveLength(10);
});

test('a call is recorded once it was sent, and of the bodies only what may be kept', async () => {
  const kept: OutsideCall[] = [];
  const http = outside({
    record: {
      showRequest: (json) => (json === undefined ? null : 'a question'),
      showAnswer: (text, status) => `${status} ${text.replace('SECRET', '…')}`,
      onCall: (call) => kept.push(call),
    },
  });
  await http.send({ method: 'POST', path: '/found', json: { pin: '1' }, timeoutMs: 20_000 });
  await http.send({ ...get('/hang'), timeoutMs: 20 });
  await http.send(get('/never', AbortSignal.abort()));
  expect(kept).toEqual([
    {
      method: 'POST',
      path: '/found',
      status: 200,
      durationMs: expect.any(Number),
      request: 'a question',
      answer: '200 {"status":"ok","code":"…"}',
    },
    { method: 'GET', path: '/hang', status: null, durationMs: expect.any(Number), request: null, answer: null },
  ]);
});
