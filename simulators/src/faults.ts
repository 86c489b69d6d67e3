import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { bankFaultModes } from './banks.ts';
import { supplierFaultModes } from './suppliers/fault-modes.ts';

/** What can go wrong at the two ways of telling somebody something. */
const messageFaultModes = {
  sms: ['slow', 'error', 'down', 'duplicate', 'lose-answer'],
  smtp: ['slow', 'error', 'down'],
} as const;
/** The sources of rates; proved beside them. */
export const rateFaultModes = {
  'navasan.latest': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
  'brsapi.currencies': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
  'nobitex.orderbook': ['slow', 'error', 'garbage', 'down', 'stale', 'outlier'],
} as const;
/** The places where something can be told to go wrong, and what can go wrong there: a fault that would never strike is refused. */
export const allFaultModes = { ...bankFaultModes, ...messageFaultModes, ...rateFaultModes, ...supplierFaultModes };
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
