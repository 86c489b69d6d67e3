import { contract, operation, problem, ProblemError } from '@kelid/contracts/contract';
import { expect, test } from 'vitest';
import { z } from 'zod';

const stockShort = problem('shop.stock-short', {
  status: 409,
  title: 'Not enough in stock',
  data: z.object({ variantIds: z.array(z.string()) }),
});
const gone = problem('shop.gone', { status: 404, title: 'Gone' });

test('a problem that carries data is not made without it, nor with other data', () => {
  expect(stockShort({ variantIds: ['a'] }).data).toEqual({ variantIds: ['a'] });
  expect(gone('Sold out').detail).toBe('Sold out');
  // @ts-expect-error -- it carries data
  stockShort();
  // @ts-expect-error -- its data is declared
  stockShort({ variantIds: [1] });
  // @ts-expect-error -- more than is declared
  stockShort({ variantIds: [], phone: '0912' });
  // @ts-expect-error -- it carries none
  gone({ variantIds: [] });
});

test('a problem that is recognised has its data, also after it crossed the wire; one with other data is not recognised', () => {
  const error: unknown = ProblemError.fromBody(stockShort({ variantIds: ['a'] }).toBody(), 409);
  if (!stockShort.is(error)) throw error;
  expect(error.data.variantIds.join()).toBe('a');
  // @ts-expect-error -- not of its data
  expect(error.data.phone).toBeUndefined();
  expect(gone.is(error)).toBe(false);
  expect(stockShort.is(ProblemError.fromBody({ ...error.toBody(), variantIds: 'a' }, 409))).toBe(false);
});

test('an operation knows its own problems by their codes', () => {
  const { sell } = contract('shop', {
    sell: operation({
      method: 'POST',
      path: '/sales',
      summary: 'Sells',
      access: ['customer'],
      input: z.object({}),
      output: z.undefined(),
      problems: [stockShort, gone],
    }),
  }).operations;
  const codes: ('shop.stock-short' | 'shop.gone')[] = sell.problems.map(({ code }) => code);
  expect(codes).toEqual(['shop.stock-short', 'shop.gone']);
  // @ts-expect-error -- the path is known to the compiler
  const path: '/other' = sell.path;
  expect(path).toBe('/sales');
});
