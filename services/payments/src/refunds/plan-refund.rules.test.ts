import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planRefund, type DeliveredUnit } from './plan-refund.rules.ts';

const aUnit = fc.record({
  keyId: fc.uuid(),
  state: fc.constantFrom<DeliveredUnit['state'][]>('open', 'seen', 'closed'),
  paidRial: fc.integer({ min: 0, max: 50 }),
});
const someUnits = fc.uniqueArray(aUnit, { maxLength: 8, selector: (unit) => unit.keyId });
const sum = (units: DeliveredUnit[]) => units.reduce((total, unit) => total + unit.paidRial, 0);

test('A64: a refund closes only open keys, no more than it pays for, and none that it pays for stays open beside goodwill', () => {
  fc.assert(
    fc.property(someUnits, fc.integer({ min: 0, max: 400 }), (units, goesBackRial) => {
      const goodsRial = sum(units);
      const plan = planRefund({ goodsRial, goesBackRial }, units, undefined);
      if (plan === 'name-the-keys') {
        expect(units.some(({ state }) => state === 'seen')).toBe(true);
        return;
      }
      if (plan === 'not-open') throw new Error('Nothing was named');
      const closing = units.filter(({ keyId }) => plan.keyIds.includes(keyId));
      expect(closing.every(({ state }) => state === 'open')).toBe(true);
      const kept = units.filter((unit) => unit.state !== 'closed' && !closing.includes(unit));
      expect(plan.gainRial).toBe(goesBackRial + sum(kept) - goodsRial);
      if (closing.length > 0) expect(plan.gainRial).toBeGreaterThanOrEqual(0);
      for (const unit of kept)
        if (unit.state === 'open' && unit.paidRial > 0) expect(plan.gainRial).toBeLessThan(unit.paidRial);
    }),
  );
});

test('A64: only open keys of the order can be named, and what is named counts instead of what would be chosen', () => {
  const units: DeliveredUnit[] = [
    { keyId: 'a', state: 'open', paidRial: 30 },
    { keyId: 'b', state: 'open', paidRial: 10 },
    { keyId: 'c', state: 'seen', paidRial: 10 },
  ];
  const money = { goodsRial: 50, goesBackRial: 30 };
  expect(planRefund(money, units, undefined)).toBe('name-the-keys');
  for (const named of [['c'], ['d'], ['a', 'c']]) expect(planRefund(money, units, named)).toBe('not-open');
  expect(planRefund(money, units, ['b', 'b'])).toEqual({ keyIds: ['b'], gainRial: 20 });
  expect(planRefund(money, units, [])).toEqual({ keyIds: [], gainRial: 30 });
  expect(planRefund({ ...money, goesBackRial: 9 }, units, undefined)).toEqual({ keyIds: [], gainRial: 9 });
});
