import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agreeOnRate } from './agreement.ts';
import { decideRate } from './next-rate.ts';

const now = new Date('2026-11-21T08:00:00Z');
const guards = { sourcesMin: 2, staleMinutes: 60, spreadBasisPoints: 200 };
const quote = (source: string, rateRial: number, ageMinutes = 0) => ({
  source,
  rateRial,
  quotedAt: new Date(now.getTime() - ageMinutes * 60_000),
});
const agree = (quotes: ReturnType<typeof quote>[], changes: Partial<typeof guards> = {}) => {
  const { rateRial, verdicts } = agreeOnRate(quotes, { ...guards, ...changes }, now);
  return { rateRial, verdicts: [...verdicts.values()].join(' ') };
};

test.each([
  ['three that say about the same', [1_215_000, 1_210_000, 1_220_000], 1_215_000, 'used used used'],
  ['one that says twice as much, which is left out', [1_215_000, 2_430_000, 1_217_000], 1_216_000, 'used outlier used'],
  ['the official rate, which nobody sells at', [420_000, 1_215_000, 1_217_000], 1_216_000, 'outlier used used'],
  ['Toman told as Rial', [121_500, 1_215_000, 1_217_000], 1_216_000, 'outlier used used'],
  ['two that are a little apart', [1_215_000, 1_225_000], 1_220_000, 'used used'],
  ['two that are far apart', [1_215_000, 1_400_000], undefined, 'outlier outlier'],
  ['two against two', [1_215_000, 1_215_000, 1_500_000, 1_500_000], undefined, 'outlier outlier outlier outlier'],
  [
    'two that agree and as many that do not: half is no agreement',
    [1_000_000, 1_215_000, 1_217_000, 1_500_000],
    undefined,
    'outlier unconfirmed unconfirmed outlier',
  ],
  ['three that all say something else', [1_000_000, 1_215_000, 1_500_000], undefined, 'outlier unconfirmed outlier'],
  ['one alone', [1_215_000], undefined, 'unconfirmed'],
  ['nobody', [], undefined, ''],
])('prices follow what sources agree on: %s', (_name, rates, rateRial, verdicts) => {
  expect(agree(rates.map((rial, index) => quote(`s${index}`, rial)))).toEqual({ rateRial, verdicts });
});

test('one source is enough where the shop says so', () => {
  expect(agree([quote('a', 1_215_000)], { sourcesMin: 1 })).toEqual({ rateRial: 1_215_000, verdicts: 'used' });
});

test('what was said too long ago, or is dated ahead, says nothing', () => {
  const ages = [0, 60, 61, -5, -6];
  const quotes = ages.map((age) => quote(`s${age}`, 1_215_000, age));
  expect(agree(quotes)).toEqual({ rateRial: 1_215_000, verdicts: 'used used stale used stale' });
  expect(agree([quote('a', 1_215_000), quote('b', 1_215_000, 61)]).rateRial).toBeUndefined();
});

test('I27: whatever sources say, an agreement is whole Rial, between what was used, near each of it, and the same in any order', () => {
  const rates = fc.array(fc.integer({ min: 1_000, max: 1_000_000_000 }), { maxLength: 6 });
  const close = fc
    .integer({ min: 100_000, max: 1_000_000 })
    .chain((rate) => fc.array(fc.integer({ min: rate, max: rate + Math.floor(rate / 20) }), { maxLength: 6 }));
  fc.assert(
    fc.property(fc.oneof(rates, close), (rials) => {
      const quotes = rials.map((rial, index) => quote(`s${index}`, rial));
      const { rateRial, verdicts } = agreeOnRate(quotes, guards, now);
      const used = quotes.filter((one) => verdicts.get(one) === 'used').map((one) => one.rateRial);
      expect(agreeOnRate(quotes.toReversed(), guards, now).rateRial).toBe(rateRial);
      if (rateRial === undefined) return used.length === 0;
      return (
        Number.isSafeInteger(rateRial) &&
        used.length >= 2 &&
        used.length * 2 > quotes.length &&
        rateRial >= Math.min(...used) &&
        rateRial <= Math.max(...used) &&
        Math.max(...used) - Math.min(...used) <= Math.min(...used) * 0.0417
      );
    }),
  );
});

const steps = { jumpBasisPoints: 1_000, stillBasisPoints: 30 };
const market = (rateRial: number) => ({ rateRial, source: 'market' as const });
const byHand = (rateRial: number) => ({ rateRial, source: 'manual' as const });

test.each([
  [
    'the first agreement is followed',
    { followed: undefined, marketRateRial: null, isManual: false },
    1_215_000,
    'follow',
  ],
  [
    'no agreement freezes',
    { followed: market(1_215_000), marketRateRial: 1_215_000, isManual: false },
    undefined,
    'freeze',
  ],
  [
    'a small move is no move',
    { followed: market(1_000_000), marketRateRial: 1_000_000, isManual: false },
    1_003_000,
    'note',
  ],
  [
    'small moves add up',
    { followed: market(1_000_000), marketRateRial: 1_003_000, isManual: false },
    1_003_100,
    'follow',
  ],
  ['the widest step', { followed: market(1_000_000), marketRateRial: 1_000_000, isManual: false }, 1_100_000, 'follow'],
  ['a jump', { followed: market(1_000_000), marketRateRial: 1_000_000, isManual: false }, 1_100_001, 'freeze'],
  ['a fall', { followed: market(1_000_000), marketRateRial: 1_000_000, isManual: false }, 899_999, 'freeze'],
  [
    'a jump that staff has set',
    { followed: byHand(1_200_000), marketRateRial: 1_000_000, isManual: true },
    1_210_000,
    'note',
  ],
  [
    'the end of a rate by hand',
    { followed: byHand(1_300_000), marketRateRial: 1_000_000, isManual: false },
    1_001_000,
    'follow',
  ],
  [
    'the same rate from the market',
    { followed: byHand(1_000_000), marketRateRial: null, isManual: false },
    1_000_000,
    'follow',
  ],
  [
    'a jump from both',
    { followed: byHand(1_300_000), marketRateRial: 1_000_000, isManual: false },
    1_150_000,
    'freeze',
  ],
])('a rate moves step by step: %s', (_name, state, agreed, kind) => {
  expect(decideRate(state, agreed, steps).kind).toBe(kind);
});
