import { expect, test } from 'vitest';
import { createMinuteCounts, isWorthALine } from './minute-counts.ts';

test('what happens a thousand times in a minute is worth four lines, and the next minute begins anew', () => {
  let nowMs = 0;
  const counts = createMinuteCounts(() => nowMs);
  const lines = Array.from({ length: 1_000 }, () => counts.add('noise')).filter(isWorthALine);
  expect(lines).toEqual([1, 10, 100, 1_000]);
  expect([counts.of('noise'), counts.of('other')]).toEqual([1_000, 0]);
  nowMs = 60_000;
  expect([counts.of('noise'), counts.add('noise')]).toEqual([0, 1]);
});
