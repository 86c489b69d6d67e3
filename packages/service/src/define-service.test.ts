import { contract } from '@kelid/contracts/contract';
import { sessionRevoked, stockChanged } from '@kelid/contracts/events';
import { expect, test } from 'vitest';
import type { BaseContext, EventsOf } from './context.ts';
import { deliver } from './define-service.ts';
import { newId } from './ids.ts';
import { serviceOf } from './test-services.ts';

const listener = contract('listener', {}, stockChanged, sessionRevoked);
type Consumers = EventsOf<typeof listener, object>;
const ctx = {} as BaseContext; // No consumer here asks it for anything.

test('a service has a consumer of each event that its contract subscribes to, and of no other', () => {
  const onStockChanged: Consumers['stock.changed'] = async () => undefined;
  const onSessionRevoked: Consumers['session.revoked'] = async () => undefined;
  const all: Consumers = { 'stock.changed': onStockChanged, 'session.revoked': onSessionRevoked };
  // @ts-expect-error -- nobody hears of ended sessions
  const tooFew: Consumers = { 'stock.changed': onStockChanged };
  // @ts-expect-error -- it is not told of paid orders
  const tooMany: Consumers = { ...all, 'order.paid': onStockChanged };
  // @ts-expect-error -- the data of another event
  const crossed: Consumers = { ...all, 'stock.changed': async (_ctx, { data }) => void data.sessionIds };
  expect([all, tooFew, tooMany, crossed]).toHaveLength(4);
});

test('a consumer is handed data that its schema has read, and never what is unreadable or not subscribed to', async () => {
  const got: unknown[] = [];
  const service = serviceOf(listener, { events: { 'stock.changed': async (_ctx, { data }) => void got.push(data) } });
  const at = new Date().toISOString();
  const stock = { id: newId(), type: 'stock.changed', data: { variantId: newId(), availableCount: 4, at } };
  await deliver(service, ctx, stock); // Of a time when nothing said whether a supplier can deliver.
  expect(got).toEqual([{ ...stock.data, canSupply: false }]);
  await expect(deliver(service, ctx, { ...stock, data: { variantId: 'none' } })).rejects.toThrow();
  await expect(deliver(service, ctx, { ...stock, type: 'order.paid' })).rejects.toThrow('no consumer of order.paid');
  await expect(deliver(service, ctx, { ...stock, type: 'session.revoked' })).rejects.toThrow('no consumer');
  expect(got).toHaveLength(1);
});
