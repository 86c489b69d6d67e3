import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

function failTimes(breaker: Breaker, count: number, atMs: number): void {
  for (let call = 0; call < count; call += 1) {
    expect(breaker.tryEnter(atMs)).toBe(true);
    breaker.fail(atMs);
  }
}

test('a bank that fails ten times is left alone for 15 seconds, and then asked with one call, not with all that wait', () => {
  const breaker = new Breaker();
  failTimes(breaker, 10, 1_000);
  expect(breaker.isClosed(1_000)).toBe(false);
  expect(breaker.tryEnter(15_999)).toBe(false);
  expect(breaker.tryEnter(16_000)).toBe(true);
  expect(breaker.tryEnter(16_000)).toBe(false);
  breaker.succeed(16_100);
  expect([breaker.tryEnter(16_200), breaker.tryEnter(16_200)]).toEqual([true, true]);
});

test('a bank that fails its probe is left alone for another 15 seconds', () => {
  const breaker = new Breaker();
  failTimes(breaker, 10, 1_000);
  expect(breaker.tryEnter(16_000)).toBe(true);
  breaker.fail(16_500);
  expect(breaker.tryEnter(31_499)).toBe(false);
  expect(breaker.tryEnter(31_500)).toBe(true);
});

test('a recovered bank starts with a clean record: one new failure does not shut it out', () => {
  const breaker = new Breaker();
  failTimes(breaker, 10, 1_000);
  breaker.tryEnter(16_000);
  breaker.succeed(16_000);
  failTimes(breaker, 1, 16_100);
  expect(breaker.tryEnter(16_200)).toBe(true);
});

test('a few failures, failures long ago, and a minority of failures shut nobody out', () => {
  const few = new Breaker();
  failTimes(few, 9, 1_000);
  expect(few.tryEnter(1_000)).toBe(true);

  const old = new Breaker();
  failTimes(old, 9, 1_000);
  failTimes(old, 9, 31_000);
  expect(old.tryEnter(31_000)).toBe(true);

  const minority = new Breaker();
  for (let call = 0; call < 60; call += 1) {
    expect(minority.tryEnter(1_000)).toBe(true);
    if (call % 3 === 2) minority.fail(1_000);
    else minority.succeed(1_000);
  }
});
