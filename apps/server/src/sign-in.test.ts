import { type Gateway, startGateway } from '@kelid/gateway/service';
import { identityService } from '@kelid/identity/service';
import { startServices, type TestServices } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';

let shop: TestServices;
let gateway: Gateway;
const codeOf = new Map<string, string>();
beforeAll(async () => {
  shop = await startServices({
    services: [identityService],
    env: { RUN: 'api', IDENTITY_SECRET: 'a secret of identity for the test run', PORT: '0' },
    peerAnswers: {
      notifications: {
        sendOtp: ({ challengeId, code }: { challengeId: string; code: string }) => void codeOf.set(challengeId, code),
      },
    },
  });
  gateway = await startGateway(shop.host, shop.env);
});
afterAll(async () => {
  await gateway.close();
  await shop.close();
});

const post = (path: string, body: object) =>
  fetch(`${gateway.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** What can be seen of a value: names, kinds and lengths, where every sign that could differ by chance is one and the same. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/[0-9a-f]/gi, '0');
  if (typeof value === 'number') return shapeOf(String(value));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}

async function rowCounts(): Promise<Record<string, number>> {
  const tables = await shop.sql('identity', "select tablename from pg_tables where schemaname = 'public' order by 1");
  const counts: Record<string, number> = {};
  for (const { tablename } of tables) {
    const [row] = await shop.sql('identity', `select count(*)::int as count from ${String(tablename)}`);
    counts[String(tablename)] = Number(row?.['count']);
  }
  return counts;
}

/** All that a caller sees of an answer, and the rows that were written for it. */
async function see(path: string, body: object) {
  const before = await rowCounts();
  const answer = await post(path, body);
  const json = (await answer.json()) as Record<string, unknown>;
  const after = await rowCounts();
  const { 'x-request-id': requestId, date, ...headers } = Object.fromEntries(answer.headers);
  expect([requestId, date]).toEqual([expect.any(String), expect.any(String)]);
  const rows = Object.entries(after).map(([table, count]) => [table, count - (before[table] ?? 0)]);
  return {
    json,
    seen: { status: answer.status, headers: shapeOf(headers), body: shapeOf(json), rows: Object.fromEntries(rows) },
  };
}

test('A12: who asks for codes cannot tell a known number from a new one: status, headers, body and the rows written are alike, at every step', async () => {
  const [known, unknown] = ['09121110001', '09351110002'];
  const first = await see('/auth/otp/request', { phone: known });
  const challenge = String(first.json['challengeId']);
  expect((await post('/auth/otp/verify', { challengeId: challenge, code: codeOf.get(challenge) })).status).toBe(200);
  await shop.sql('identity', "update otp_sends set at = at - interval '2 minutes'");

  const [old, fresh] = [
    await see('/auth/otp/request', { phone: known }),
    await see('/auth/otp/request', { phone: unknown }),
  ];
  expect(old.seen.status).toBe(202);
  expect(old.seen).toEqual(fresh.seen);
  // Too soon, and wrong codes until the challenge is over.
  expect((await see('/auth/otp/request', { phone: known })).seen).toEqual(
    (await see('/auth/otp/request', { phone: unknown })).seen,
  );
  for (let guess = 1; guess <= 7; guess += 1) {
    const wrong = await Promise.all(
      [old, fresh].map(async ({ json }) => {
        const challengeId = String(json['challengeId']);
        const code = String((Number(codeOf.get(challengeId)) + guess) % 1_000_000).padStart(6, '0');
        return { challengeId, code };
      }),
    );
    const [ofOld, ofFresh] = [
      await see('/auth/otp/verify', wrong[0] ?? {}),
      await see('/auth/otp/verify', wrong[1] ?? {}),
    ];
    expect(ofOld.seen.status).toBeGreaterThanOrEqual(400);
    expect(ofOld.seen, `guess ${guess}`).toEqual(ofFresh.seen);
  }
});
