import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { supplierFaultModes } from './suppliers/fault-modes.ts';

/** The places where something can be told to go wrong, and what can go wrong there: a fault that would never strike is refused. */
export const faultModes = {
  'zarinpal.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zarinpal.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before'],
  'zarinpal.inquiry': ['slow', 'error', 'garbage', 'down'],
  'zarinpal.reverse': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zarinpal.callback': ['slow', 'duplicate'],
  'zibal.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zibal.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before'],
  'zibal.inquiry': ['slow', 'error', 'garbage', 'down'],
  'zibal.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'zibal.callback': ['slow', 'duplicate'],
  'behpardakht.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.verify': ['slow', 'error', 'garbage', 'down', 'lose-answer', 'verified-before'],
  'behpardakht.settle': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.inquiry': ['slow', 'error', 'garbage', 'down'],
  'behpardakht.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'behpardakht.callback': ['slow', 'duplicate'],
  'stripe.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer'],
  'stripe.inquiry': ['slow', 'error', 'garbage', 'down', 'verified-before'],
  'stripe.cancel': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.refund': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'stripe.callback': ['slow', 'duplicate'],
  'stripe.webhook': ['late', 'duplicate', 'out-of-order', 'never', 'forged'],
  sms: ['slow', 'error', 'down', 'duplicate', 'lose-answer'],
  smtp: ['slow', 'error', 'down'],
} as const;
/** Sadad, which has no inquiry to go wrong; proved beside its provider. */
export const sadadFaultModes = {
  'sadad.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sadad.verify': [
    'slow',
    'error',
    'garbage',
    'down',
    'amount-mismatch',
    'lose-answer',
    'verified-before',
    'no-details',
    'not-yet',
  ],
  'sadad.callback': ['slow', 'duplicate'],
} as const;
/** The sources of rates; proved beside them. */
export const rateFaultModes = {
  'navasan.latest': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
  'brsapi.currencies': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
  'nobitex.orderbook': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
} as const;
/** Of the payment page that only tells by messages; proved beside its provider. */
export const webhookFaultModes = { 'webhook.webhook': ['late', 'duplicate', 'never', 'forged'] } as const;
/** SEP, whose inquiry is the receipt; proved beside its provider. */
export const sepFaultModes = {
  'sep.request': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sep.inquiry': ['slow', 'error', 'garbage', 'down'],
  'sep.verify': ['slow', 'error', 'garbage', 'down', 'amount-mismatch', 'lose-answer', 'verified-before', 'no-details'],
  'sep.reverse': ['slow', 'error', 'garbage', 'down', 'lose-answer'],
  'sep.callback': ['slow', 'duplicate'],
} as const;
export const allFaultModes = {
  ...faultModes,
  ...sadadFaultModes,
  ...sepFaultModes,
  ...webhookFaultModes,
  ...rateFaultModes,
  ...supplierFaultModes,
};
export type FaultPlace = keyof typeof allFaultModes;

export const Fault = z.strictObject({
  mode: z.enum(Object.values(allFaultModes).flat()),
  delayMs: z.int().min(0).max(60_000).default(2_000),
  /** How many calls it strikes; for ever when left out. */
  count: z.int().min(1).optional(),
  probability: z.number().min(0).max(1).default(1),
});
export type Fault = z.infer<typeof Fault>;

export class Faults {
  readonly #active = new Map<FaultPlace, Fault>();

  set(place: FaultPlace, fault: Fault): void {
    this.#active.set(place, fault);
  }

  clear(): void {
    this.#active.clear();
  }

  list(): Record<string, Fault> {
    return Object.fromEntries(this.#active);
  }

  /**
   * The fault that strikes at this moment of a call, if any; a slow one has already waited. `modes` are those that the caller acts on now:
   * a fault of a later moment keeps its count.
   */
  async strike(place: FaultPlace, modes: readonly Fault['mode'][]): Promise<Fault['mode'] | undefined> {
    return (await this.take(place, modes))?.mode;
  }

  /** The same with its delay, for what happens later than the answer. */
  async take(place: FaultPlace, modes: readonly Fault['mode'][]): Promise<Fault | undefined> {
    const fault = this.#active.get(place);
    if (!fault || !modes.includes(fault.mode) || Math.random() >= fault.probability) return undefined;
    if (fault.count !== undefined) {
      if (fault.count === 1) this.#active.delete(place);
      else this.#active.set(place, { ...fault, count: fault.count - 1 });
    }
    if (fault.mode === 'slow') await sleep(fault.delayMs);
    return fault;
  }
}
