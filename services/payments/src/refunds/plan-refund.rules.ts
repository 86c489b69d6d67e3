import { sumRial } from '@kelid/money/rial';

export interface DeliveredUnit {
  keyId: string;
  state: 'open' | 'seen' | 'closed';
  paidRial: number;
}
/** The unseen product keys that a refund closes, and what its customer has more than was paid for, after it. */
export interface RefundPlan {
  keyIds: string[];
  gainRial: number;
}

/**
 * A refund of a part of an order closes the unseen product keys that all its refunds together pay for, the dearest first, so that slices
 * do what one refund would. Where some were seen nobody can tell which ones the money is for: then they have to be named.
 */
export function planRefund(
  /** What was paid for all units, and what has gone back or is about to, this refund included. */
  { goodsRial, goesBackRial }: { goodsRial: number; goesBackRial: number },
  units: DeliveredUnit[],
  named: string[] | undefined,
): RefundPlan | 'name-the-keys' | 'not-open' {
  const open = units.filter(({ state }) => state === 'open');
  const keptRial = sumRial(units.filter(({ state }) => state !== 'closed').map(({ paidRial }) => paidRial));
  const gainRial = goesBackRial + keptRial - goodsRial;
  if (named !== undefined) {
    const closing = open.filter(({ keyId }) => named.includes(keyId));
    return closing.length === new Set(named).size ? close(closing, gainRial) : 'not-open';
  }
  const closing: DeliveredUnit[] = [];
  let leftRial = gainRial;
  for (const unit of open.toSorted((a, b) => b.paidRial - a.paidRial)) {
    if (unit.paidRial === 0 || unit.paidRial > leftRial) continue;
    closing.push(unit);
    leftRial -= unit.paidRial;
  }
  if (closing.length > 0 && units.some(({ state }) => state === 'seen')) return 'name-the-keys';
  return close(closing, gainRial);
}

function close(closing: DeliveredUnit[], gainRial: number): RefundPlan {
  return {
    keyIds: closing.map(({ keyId }) => keyId),
    gainRial: gainRial - sumRial(closing.map(({ paidRial }) => paidRial)),
  };
}
