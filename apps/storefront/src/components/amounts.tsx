import { formatToman } from '@kelid/persian/toman';
import { fill, type Language } from '../lib/language.ts';
import type { Messages } from '../messages/fa.ts';

/** How the goods become the total, as carts and orders show it; what is 0 is left out. */
export function Amounts({
  of: { coupons, discountRial, vatRial, feeRial, totalRial },
  language,
  m,
}: {
  of: {
    coupons: { code: string; discountRial: number }[];
    discountRial: number;
    vatRial: number;
    feeRial: number;
    totalRial: number;
  };
  language: Language;
  m: Messages['amounts'];
}) {
  const codes = coupons.filter((coupon) => coupon.discountRial > 0).map((coupon) => coupon.code);
  const goodsRial = totalRial - feeRial - vatRial + discountRial;
  const parts = [
    {
      name: 'discount',
      label: codes.length > 0 ? fill(m.discountOf, { codes: codes.join(language === 'fa' ? '، ' : ', ') }) : m.discount,
    },
    { name: 'vat', label: m.vat, amountRial: vatRial },
    { name: 'fee', label: m.fee, amountRial: feeRial },
  ].map((part) => ({ amountRial: -discountRial, ...part }));
  const shown = parts.filter((part) => part.amountRial !== 0);
  return (
    <dl className="amounts">
      {[...(shown.length > 0 ? [{ name: 'goods', label: m.goods, amountRial: goodsRial }] : []), ...shown].map(
        (part) => (
          <div key={part.name} className={`row between small ${part.amountRial < 0 ? 'less' : ''}`}>
            <dt>{part.label}</dt>
            <dd data-testid={`amount-${part.name}`}>{formatToman(part.amountRial, language)}</dd>
          </div>
        ),
      )}
      <div className="row between">
        <dt>{m.total}</dt>
        <dd className="sum" data-testid="amount-total">
          {formatToman(totalRial, language)}
        </dd>
      </div>
    </dl>
  );
}
