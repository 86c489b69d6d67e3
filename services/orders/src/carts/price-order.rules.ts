import type { CouponReason } from '@kelid/contracts/orders';
import { multiplyRial, partOfRial, splitRial, sumRial } from '@kelid/money/rial';
import { type CouponState, discountOf, isFor, type LineSubject, mayStack, refusalOf } from '../coupons/coupon.rules.ts';
import type { PricedLine } from './quote.rules.ts';

/** Banks take no less; a total of 0 goes to no bank. */
const payableMinRial = 10_000;

export interface PriceRules {
  vatBasisPoints: number;
  feeRial: number;
  feeFreeFromRial: number | undefined;
}

/**
 * The one place where an order's amounts come from: goods less discount, plus VAT, plus fee. Coupons work one after another, as they were
 * put in, each on what the ones before it have left; VAT is rounded once for each line; the fee is for orders that cost something. What
 * would leave less than a bank takes is discounted so far that the goods still cost 10,000 Rial: no coupon gives more than it says.
 */
export function priceOrder<Line extends PricedLine & LineSubject>(
  lines: Line[],
  coupons: CouponState[],
  rules: PriceRules,
) {
  const goodsRial = sumRial(lines.map(amountOf));
  const price = priceWithin(lines, coupons, rules, goodsRial);
  if (price.totalRial === 0 || price.totalRial >= payableMinRial) return price;
  return priceWithin(lines, coupons, rules, Math.max(0, goodsRial - payableMinRial));
}

function priceWithin<Line extends PricedLine & LineSubject>(
  lines: Line[],
  coupons: CouponState[],
  rules: PriceRules,
  discountMaxRial: number,
) {
  const goodsRial = sumRial(lines.map(amountOf));
  const leftRial = lines.map(amountOf);
  const shown: { coupon: CouponState; discountRial: number; reason: CouponReason | null }[] = [];
  for (const coupon of coupons) {
    const used = shown.filter((one) => one.reason === null);
    const refusal =
      refusalOf(coupon) ??
      (mayStack(
        coupon,
        used.map((one) => one.coupon),
      )
        ? undefined
        : 'not_stackable') ??
      (goodsRial < coupon.orderMinRial ? 'below_minimum' : undefined);
    const eligibleRial = lines.map((line, at) => (isFor(coupon, line) ? (leftRial[at] ?? 0) : 0));
    const stillRial = discountMaxRial - sumRial(used.map((one) => one.discountRial));
    const discountRial = refusal ? 0 : Math.min(discountOf(coupon, sumRial(eligibleRial)), stillRial);
    for (const [at, part] of splitRial(discountRial, eligibleRial).entries()) leftRial[at] = (leftRial[at] ?? 0) - part;
    const reason =
      refusal ??
      (discountRial > 0 ? null : lines.some((line) => isFor(coupon, line)) ? 'no_discount' : 'no_matching_item');
    shown.push({ coupon, discountRial, reason });
  }
  const netRial = sumRial(leftRial);
  const priced = lines.map((line, at) => ({
    ...line,
    discountRial: amountOf(line) - (leftRial[at] ?? 0),
    vatRial: partOfRial(leftRial[at] ?? 0, rules.vatBasisPoints),
  }));
  const isFeeFree = netRial === 0 || (rules.feeFreeFromRial !== undefined && netRial >= rules.feeFreeFromRial);
  const feeRial = isFeeFree ? 0 : rules.feeRial;
  const vatRial = sumRial(priced.map((line) => line.vatRial));
  return {
    lines: priced,
    coupons: shown,
    discountRial: goodsRial - netRial,
    vatRial,
    feeRial,
    totalRial: sumRial([netRial, vatRial, feeRial]),
  };
}

function amountOf({ unitPriceRial, quantity }: PricedLine): number {
  return multiplyRial(unitPriceRial, quantity);
}
