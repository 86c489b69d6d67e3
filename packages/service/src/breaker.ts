/**
 * Stops calling a dependency that fails: opens when half of the last 20 calls (at least 10, within 30 s) failed, stays open
 * 15 s, then lets one probe through. State is per process and dependency; a refusal by the dependency (4xx) is not a failure.
 */
export class Breaker {
  #results: { at: number; isFailure: boolean }[] = [];
  #openUntil = 0;
  #isProbing = false;

  /** False while open. A caller that gets true must report with `succeed`, `fail` or `forget`. */
  tryEnter(nowMs: number = performance.now()): boolean {
    if (this.#openUntil === 0) return true;
    if (nowMs < this.#openUntil || this.#isProbing) return false;
    this.#isProbing = true;
    return true;
  }

  isClosed(nowMs: number = performance.now()): boolean {
    return nowMs >= this.#openUntil;
  }

  succeed(nowMs: number = performance.now()): void {
    if (this.#isProbing) {
      this.#isProbing = false;
      this.#openUntil = 0;
      this.#results = [];
    }
    this.#record(false, nowMs);
  }

  fail(nowMs: number = performance.now()): void {
    this.#record(true, nowMs);
    const recent = this.#results.filter((result) => nowMs - result.at < 30_000);
    const failures = recent.filter((result) => result.isFailure).length;
    if (this.#isProbing || (recent.length >= 10 && failures * 2 >= recent.length)) this.#openUntil = nowMs + 15_000;
    this.#isProbing = false;
  }

  /** The caller gave up: nothing was learnt of the dependency. */
  forget(): void {
    this.#isProbing = false;
  }

  #record(isFailure: boolean, nowMs: number): void {
    this.#results.push({ at: nowMs, isFailure });
    if (this.#results.length > 20) this.#results.shift();
  }
}
