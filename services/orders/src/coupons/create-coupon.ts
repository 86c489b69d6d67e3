import { invalidInput } from '@kelid/contracts/common';
import { couponCodeTaken } from '@kelid/contracts/orders';
import { sqlState } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { codeKey, showCoupon } from './coupons.ts';
import { coupons } from '../db/schema.ts';

/** Its kind and times are checked here; that it begins unused, by `coupons_begin_unused`. */
export const createCoupon: Operations['createCoupon'] = async (ctx, { code, startsAt, ...rules }) => {
  const key = codeKey(code);
  const begin = startsAt === undefined ? ctx.now() : new Date(startsAt);
  const { percentBasisPoints, amountRial, discountMaxRial, endsAt } = rules;
  const faults = [
    /^[\p{L}\p{N}_-]{3,40}$/u.test(key)
      ? []
      : [{ field: 'code', message: 'Three to forty letters, digits, hyphens and underscores' }],
    (percentBasisPoints === null) === (amountRial === null)
      ? [{ field: 'percentBasisPoints', message: 'Either a percentage or a fixed amount' }]
      : [],
    amountRial !== null && discountMaxRial !== null
      ? [{ field: 'discountMaxRial', message: 'Only a percentage has a cap' }]
      : [],
    endsAt !== null && new Date(endsAt) <= begin ? [{ field: 'endsAt', message: 'The end comes after the start' }] : [],
  ].flat();
  if (faults.length > 0) throw invalidInput({ errors: faults });
  const [coupon] = await ctx.db
    .insert(coupons)
    .values({ id: newId(), code: key, ...rules, ...(startsAt === undefined ? {} : { startsAt }) })
    .returning()
    .catch((error: unknown) => {
      if (sqlState(error) === sqlStates.uniqueViolation) throw couponCodeTaken();
      throw error;
    });
  if (!coupon) throw new Error('The new coupon was not answered');
  return showCoupon(coupon);
};
