import { idempotencyKeyMissing, idempotencyKeyReused, invalidInput } from '@kelid/contracts/common';
import { ordersContract } from '@kelid/contracts/orders';
import { problem } from '@kelid/contracts/contract';
import { startServices, type TestServices } from '@kelid/testing/start-service';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BaseContext } from './context.ts';
import {
  answerKey,
  canonicalJson,
  type Claim,
  claimKey,
  dropKey,
  failKey,
  findAnswer,
  keyScope,
  type KeyScope,
  oncePerKey,
} from './idempotency.ts';
import { pruneTechnicalTables } from './prune.ts';
import { newId } from './ids.ts';
import { checkIdempotencyKey } from './invoke.ts';
import { serviceOf } from './test-services.ts';

const body = { paymentMethod: 'zarinpal', items: [{ variantId: 'steam-500', quantity: 1 }] };
let shop: TestServices;
let ctx: BaseContext;

beforeAll(async () => {
  shop = await startServices({
    services: [serviceOf(ordersContract, { onStart: (context) => (ctx = context) })],
    env: { RUN: 'api', DATABASE_POOL_MAX: '20' },
  });
});
afterAll(() => shop.close());

function newScope(change: Partial<KeyScope> = {}): KeyScope {
  return { actorId: newId(), operation: 'checkout', key: randomUUID(), ...change };
}

function claim(scope: KeyScope, input: unknown = body, resourceId = newId()): Promise<Claim> {
  return ctx.transaction((tx) => claimKey(tx, scope, input, resourceId));
}

test('A59: twenty clicks at the same moment start one order, and the others learn which order that is', async () => {
  const scope = newScope();
  const orderIds = Array.from({ length: 20 }, () => newId());
  const claims = await Promise.all(orderIds.map((orderId) => claim(scope, body, orderId)));
  const winners = orderIds.filter((_, index) => claims[index]?.kind === 'new');
  expect(winners).toHaveLength(1);
  const others = claims.filter((found) => found.kind === 'running');
  expect(others).toHaveLength(19);
  expect(new Set(others.map((found) => found.resourceId))).toEqual(new Set(winners));
});

test('the same request again gets the stored answer, also with its fields in another order; only the first answer stays', async () => {
  const scope = newScope();
  await claim(scope);
  expect(await findAnswer(ctx.db, scope, body)).toBeUndefined();
  await answerKey(ctx.db, scope, 201, { orderNumber: 'K7M2-94QX' });
  await answerKey(ctx.db, scope, 201, { orderNumber: 'another' });
  const reordered = { items: [{ quantity: 1, variantId: 'steam-500' }], paymentMethod: 'zarinpal' };
  expect(await claim(scope, reordered)).toEqual({ kind: 'done', answer: { orderNumber: 'K7M2-94QX' } });
  expect(await findAnswer(ctx.db, scope, reordered)).toEqual({ answer: { orderNumber: 'K7M2-94QX' } });
});

test('the same key with another body is refused, while running and after its answer', async () => {
  const scope = newScope();
  const other = { ...body, paymentMethod: 'wallet' };
  await claim(scope);
  await expect(claim(scope, other)).rejects.toSatisfy(idempotencyKeyReused.is);
  await answerKey(ctx.db, scope, 201, {});
  await expect(claim(scope, other)).rejects.toSatisfy(idempotencyKeyReused.is);
  await expect(findAnswer(ctx.db, scope, other)).rejects.toSatisfy(idempotencyKeyReused.is);
});

test('A59: two customers, or two operations, may use the same key and never see each other’s answers', async () => {
  const scope = newScope();
  await claim(scope);
  await answerKey(ctx.db, scope, 201, { orderNumber: 'K7M2-94QX' });
  expect((await claim({ ...scope, actorId: newId() })).kind).toBe('new');
  expect((await claim({ ...scope, operation: 'payOrder' })).kind).toBe('new');
  const keyed = { idempotencyKey: scope.key };
  const scopes = [
    keyScope({ ...ctx, ...keyed, actor: { kind: 'user', userId: 'x', sessionId: 's', roles: [] } }, 'checkout'),
    keyScope({ ...ctx, ...keyed, actor: { kind: 'service', name: 'x' } }, 'checkout'),
    keyScope({ ...ctx, ...keyed, actor: { kind: 'guest', cartToken: 'x' } }, 'checkout'),
  ];
  expect(new Set(scopes.map((each) => each.actorId)).size).toBe(3);
});

test('a key whose work was rolled back, or given back, is free again', async () => {
  const scope = newScope();
  const crashed = ctx.transaction(async (tx) => {
    await claimKey(tx, scope, body, newId());
    throw new Error('The stock ran out');
  });
  await expect(crashed).rejects.toThrow('The stock ran out');
  expect((await claim(scope)).kind).toBe('new');
  await dropKey(ctx.db, scope);
  expect((await claim(scope)).kind).toBe('new');
  await answerKey(ctx.db, scope, 201, {});
  await dropKey(ctx.db, scope);
  expect((await claim(scope)).kind).toBe('done'); // An answered key stays.
});

test('a request that ended in a problem ends in the same problem when it is repeated', async () => {
  const soldOut = problem('inventory.stock-short', {
    status: 409,
    title: 'Not enough in stock',
    data: z.object({ variantIds: z.array(z.string()) }),
  });
  const scope = newScope();
  await claim(scope);
  await failKey(ctx.db, scope, soldOut({ variantIds: ['steam-500'] }).toBody());
  await expect(claim(scope)).rejects.toMatchObject({
    code: 'inventory.stock-short',
    status: 409,
    data: { variantIds: ['steam-500'] },
  });
});

test('what died before its answer is finished by the same key, on what it had begun; after the answer nothing is done again', async () => {
  const call: BaseContext = { ...ctx, idempotencyKey: randomUUID(), answerHeaders: {} };
  const begun: string[] = [];
  const finished: string[] = [];
  const run = (willDie = false) =>
    oncePerKey(call, 'placeOrder', body, {
      status: 201,
      begin: async (_tx, orderId) => begun.push(orderId),
      finish: async (orderId) => {
        if (willDie) throw new Error('The process died');
        finished.push(orderId);
        return { orderId };
      },
    });
  await expect(run(true)).rejects.toThrow('The process died');
  const answer = await run();
  expect(call.answerHeaders).toEqual({});
  expect(await run()).toEqual(answer);
  expect(call.answerHeaders).toEqual({ 'idempotency-replayed': 'true' });
  expect(begun).toEqual([answer.orderId]);
  expect(finished).toEqual([answer.orderId]);
});

test('a key is kept for 48 hours and not longer', async () => {
  const kept = newScope();
  const old = newScope();
  await claim(kept);
  await claim(old);
  await shop.sql(
    'orders',
    "update idempotency_keys set created_at = now() - case key when $1 then interval '49 hours' else interval '47 hours' end where key in ($1, $2)",
    [old.key, kept.key],
  );
  await pruneTechnicalTables(ctx.db);
  expect((await claim(kept)).kind).toBe('running');
  expect((await claim(old)).kind).toBe('new');
});

test('a paying call without a key, or with one that can be guessed, is refused before any work', () => {
  const { checkout, listOrders } = ordersContract.operations;
  expect(() => checkIdempotencyKey(checkout, undefined)).toThrow(idempotencyKeyMissing.title);
  expect(() => checkIdempotencyKey(checkout, '')).toThrow(idempotencyKeyMissing.title);
  for (const key of ['1', 'a'.repeat(65), "x'; drop table orders; --", 'کلید-کلید-کلید-کلید'])
    expect(() => checkIdempotencyKey(checkout, key)).toThrow(invalidInput.title);
  checkIdempotencyKey(checkout, randomUUID());
  checkIdempotencyKey(listOrders, undefined);
});

test('inputs that differ in anything but the order of their fields are different inputs', () => {
  expect(canonicalJson({ b: [1, { d: 1, c: 2 }], a: null })).toBe(canonicalJson({ a: null, b: [1, { c: 2, d: 1 }] }));
  expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }));
  expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
});
