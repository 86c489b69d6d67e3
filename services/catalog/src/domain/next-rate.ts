import { isFarFrom } from '@kelid/money/rate';

export interface RateState {
  /** The rate that prices follow now, and where it is from. */
  followed: { rateRial: number; source: 'market' | 'manual' } | undefined;
  /** What the sources agreed on last, also while a rate set by hand is followed. */
  marketRateRial: number | null;
  /** Whether a rate set by hand is in force. */
  isManual: boolean;
}

export type RateDecision =
  /** Nothing that prices may follow: they stay as they are. */
  | { kind: 'freeze'; why: 'disagreement' | 'jump' }
  /** The market is as it was, or somebody's own rate wins: what it said is kept, and prices stay. */
  | { kind: 'note' }
  /** Prices follow this rate from now on. */
  | { kind: 'follow' };

/** What becomes of a currency's rate when the sources said this. */
export function decideRate(
  state: RateState,
  agreedRial: number | undefined,
  guards: { jumpBasisPoints: number; stillBasisPoints: number },
): RateDecision {
  if (agreedRial === undefined) return { kind: 'freeze', why: 'disagreement' };
  // Either will do: a rate set by hand that the market then confirms ends a jump, and the market's own way is none when that rate ends.
  const known = [state.followed?.rateRial, state.marketRateRial].filter((rial) => typeof rial === 'number');
  if (known.length > 0 && known.every((rial) => isFarFrom(agreedRial, rial, guards.jumpBasisPoints)))
    return { kind: 'freeze', why: 'jump' };
  if (state.isManual) return { kind: 'note' };
  const { followed } = state;
  const isStill = followed?.source === 'market' && !isFarFrom(agreedRial, followed.rateRial, guards.stillBasisPoints);
  return { kind: isStill ? 'note' : 'follow' };
}
