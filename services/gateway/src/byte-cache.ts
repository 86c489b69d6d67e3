/** A finished answer: its bytes and headers are sent as they are. */
export interface CachedAnswer {
  body: Buffer;
  headers: Record<string, string>;
  expiresAtMs: number;
}

/** Answers as bytes, bounded by their size: the one that was used longest ago goes first. */
export class ByteCache {
  readonly #entries = new Map<string, CachedAnswer>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** Grows when everything becomes stale. An answer that was asked for under an older epoch is not kept. */
  epoch = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(key: string): CachedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs <= performance.now()) {
      this.#delete(key, entry);
      return undefined;
    }
    return entry;
  }

  set(key: string, entry: CachedAnswer, epoch: number): void {
    if (epoch !== this.epoch || entry.body.length > this.#bytesMax / 8) return;
    const before = this.#entries.get(key);
    if (before) this.#delete(key, before);
    this.#entries.set(key, entry);
    this.#bytes += sizeOf(key, entry);
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#delete(oldest, old);
    }
  }

  /** Marks an entry as just used. Kept apart from `get`, so that the hottest path does not move entries on each hit. */
  touch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  clear(): void {
    this.epoch += 1;
    this.#entries.clear();
    this.#bytes = 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #delete(key: string, entry: CachedAnswer): void {
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, entry);
  }
}

function sizeOf(key: string, entry: CachedAnswer): number {
  return entry.body.length + key.length * 2 + 300;
}
