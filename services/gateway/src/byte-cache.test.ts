import { expect, test } from 'vitest';
import { ByteCache } from './byte-cache.ts';

const entry = (size: number, livesMs = 60_000) => ({
  body: Buffer.alloc(size),
  headers: {},
  expiresAtMs: performance.now() + livesMs,
});

test('CA-11: the cache never holds more bytes than its bound, and drops what was used longest ago', () => {
  const cache = new ByteCache(100_000);
  for (let count = 0; count < 1_000; count += 1) {
    cache.set(`key ${count}`, entry(5_000), cache.epoch);
    cache.touch('key 0');
    expect(cache.bytes).toBeLessThanOrEqual(100_000);
  }
  expect(cache.get('key 0')).toBeDefined();
  expect(cache.get('key 1')).toBeUndefined();
  expect(cache.get('key 999')).toBeDefined();
});

test('CA-11: setting a key again counts its bytes once, one huge answer is not kept, an old one is gone after its time', () => {
  const cache = new ByteCache(100_000);
  cache.set('key', entry(1_000), 0);
  const { bytes } = cache;
  cache.set('key', entry(1_000), 0);
  expect(cache.bytes).toBe(bytes);
  cache.set('huge', entry(50_000), 0);
  expect(cache.get('huge')).toBeUndefined();
  cache.set('old', entry(1_000, -1), 0);
  expect(cache.get('old')).toBeUndefined();
  expect(cache.bytes).toBe(bytes);
});

test('GW-6: an answer that was asked for before the cache was cleared is not kept', () => {
  const cache = new ByteCache(100_000);
  const { epoch } = cache;
  cache.clear();
  cache.set('key', entry(10), epoch);
  expect(cache.get('key')).toBeUndefined();
  cache.set('key', entry(10), cache.epoch);
  expect(cache.get('key')).toBeDefined();
  cache.clear();
  expect([cache.bytes, cache.get('key')]).toEqual([0, undefined]);
});
