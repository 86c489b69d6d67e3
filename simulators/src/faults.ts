import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What a simulator can be told to do wrong, by name of the place: `zarinpal.request`, `zarinpal.verify`, `zarinpal.inquiry`, `zarinpal.callback`, `sms`, `smtp`. */
export const Fault = z.strictObject({
  mode: z.enum(['slow', 'error', 'garbage', 'lose-answer', 'duplicate', 'amount-mismatch', 'verified-before', 'down']),
  delayMs: z.int().min(0).max(60_000).default(2_000),
  /** How many calls it strikes; for ever when left out. */
  count: z.int().min(1).optional(),
  probability: z.number().min(0).max(1).default(1),
});
export type Fault = z.infer<typeof Fault>;
export const faultNames = [
  'zarinpal.request',
  'zarinpal.verify',
  'zarinpal.inquiry',
  'zarinpal.callback',
  'sms',
  'smtp',
] as const;

export class Faults {
  readonly #active = new Map<string, Fault>();

  set(name: string, fault: Fault): void {
    this.#active.set(name, fault);
  }

  clear(): void {
    this.#active.clear();
  }

  list(): Record<string, Fault> {
    return Object.fromEntries(this.#active);
  }

  /** The fault that strikes this call, if any; a slow one has already waited. */
  async strike(name: string): Promise<Fault['mode'] | undefined> {
    const fault = this.#active.get(name);
    if (!fault || Math.random() >= fault.probability) return undefined;
    if (fault.count !== undefined) {
      if (fault.count === 1) this.#active.delete(name);
      else this.#active.set(name, { ...fault, count: fault.count - 1 });
    }
    if (fault.mode === 'slow') await sleep(fault.delayMs);
    return fault.mode;
  }
}
