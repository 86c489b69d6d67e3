/** Lets so many in at a time, and so many in a second, evenly spaced. Who comes first goes first. */
export class Turns {
  readonly #inFlightMax: number;
  readonly #gapMs: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;
  #nextAt = 0;
  #isTimed = false;

  constructor({ inFlightMax, perSecond = Infinity }: { inFlightMax: number; perSecond?: number | undefined }) {
    this.#inFlightMax = inFlightMax;
    this.#gapMs = 1000 / perSecond;
  }

  isFull(): boolean {
    return this.#inFlight >= this.#inFlightMax;
  }

  /** Waits for a turn; false when the signal ended first, and then no turn was taken. Who gets true must `leave`. */
  take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((answer) => {
      const go = () => {
        signal.removeEventListener('abort', giveUp);
        answer(true);
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        answer(false);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(go);
      this.#letIn();
    });
  }

  leave(): void {
    this.#inFlight -= 1;
    this.#letIn();
  }

  #letIn(now: number = performance.now()): void {
    while (this.#waiting.length > 0 && !this.isFull()) {
      if (now < this.#nextAt) {
        if (!this.#isTimed) setTimeout(() => this.#letInNext(), this.#nextAt - now);
        this.#isTimed = true;
        return;
      }
      this.#nextAt = now + this.#gapMs;
      this.#inFlight += 1;
      this.#waiting.shift()?.();
    }
  }

  /** A timer may be early by a part of a millisecond. */
  #letInNext(): void {
    this.#isTimed = false;
    this.#letIn(Math.max(performance.now(), this.#nextAt));
  }
}
