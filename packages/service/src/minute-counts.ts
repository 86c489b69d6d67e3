/** Counts what happens by name, within a running minute: what was before it is forgotten, so that no name is kept for long. */
export interface MinuteCounts {
  /** One more; how many there were in this minute, this one among them. */
  add(name: string): number;
  of(name: string): number;
}

export function createMinuteCounts(nowMs: () => number = () => performance.now()): MinuteCounts {
  let counts = new Map<string, number>();
  let startedAtMs = nowMs();
  const current = () => {
    if (nowMs() - startedAtMs >= 60_000) {
      counts = new Map();
      startedAtMs = nowMs();
    }
    return counts;
  };
  return {
    add(name) {
      const count = (current().get(name) ?? 0) + 1;
      counts.set(name, count);
      return count;
    },
    of: (name) => current().get(name) ?? 0,
  };
}

/** Whether the so-manieth of its kind is worth a line: the first, the tenth, the hundredth. Noise then costs a handful of lines. */
export function isWorthALine(count: number): boolean {
  return /^10*$/.test(String(count));
}
