import { expect, test } from 'vitest';
import { solvePuzzle } from '../test-identity.ts';
import { difficultyOf, isSolved, makePuzzle } from './proof-of-work.ts';
import { createSecrets } from './secrets.ts';

const secrets = createSecrets('a secret of identity for the test run');
const phone = '+989121234567';
const madeAt = Date.UTC(2026, 10, 21);
const solution = solvePuzzle(makePuzzle(secrets, phone, 10, madeAt));

test('a solved puzzle counts for ten minutes', () => {
  expect(isSolved(secrets, phone, solution, madeAt)).toBe(true);
  expect(isSolved(secrets, phone, solution, madeAt + 600_000)).toBe(true);
  expect(isSolved(secrets, phone, solution, madeAt + 600_001)).toBe(false);
});

test('a puzzle of another shop, and work that was not done, do not count', () => {
  const others = createSecrets('the secret of some other shop, as long');
  expect(isSolved(others, phone, solution, madeAt)).toBe(false);
  const tries = Array.from({ length: 4_096 }, (_, index) => ({ ...solution, nonce: `try ${index}` }));
  const hits = tries.filter((one) => isSolved(secrets, phone, one, madeAt)).length;
  expect(hits).toBeLessThan(40); // One of 1,024 hits by luck.
});

test('A10: the work doubles when the load does, and ends at its bound', () => {
  expect([0.1, 1, 1.9, 2, 4, 7.9, 8, 1e9, Infinity].map((load) => difficultyOf(load, 18, 22))).toEqual([
    18, 18, 18, 19, 20, 20, 21, 22, 22,
  ]);
});
