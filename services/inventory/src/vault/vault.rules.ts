import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Where a ciphertext belongs. It is bound in: moved to another row, variant or batch it no longer opens (I19). */
export interface KeyPlace {
  keyId: string;
  variantId: string;
  batchId: string;
}

const algorithm = 'aes-256-gcm';
const tagBytes = 16;
const nonceBytes = 12;

/** A ciphertext did not open: it was moved, cut or written under another key. Says nothing of what was inside. */
export class VaultError extends Error {
  constructor() {
    super('A stored product key does not open');
    this.name = 'VaultError';
  }
}

/**
 * Envelope encryption: each batch has a data key, wrapped by the master key; each product key is sealed under its batch's data key.
 * Stored form: nonce (12 bytes), tag (16), ciphertext.
 */
export class Vault {
  readonly kekId: string;
  readonly blindIndexVersion: number;
  /** The version whose rows are still to be changed; null when there is none before this one. */
  readonly previousIndexVersion: number | null;
  readonly #kek: Buffer;
  readonly #previous: { kekId: string; kek: Buffer } | undefined;
  readonly #blindIndexKey: Buffer;
  readonly #previousIndexKey: Buffer | undefined;

  constructor(options: {
    kek: Buffer;
    kekId: string;
    previous?: { kekId: string; kek: Buffer } | undefined;
    blindIndexKey: Buffer;
    blindIndexVersion?: number;
    previousIndex?: { version: number; key: Buffer } | undefined;
  }) {
    this.#kek = options.kek;
    this.kekId = options.kekId;
    this.#previous = options.previous;
    this.#blindIndexKey = options.blindIndexKey;
    this.blindIndexVersion = options.blindIndexVersion ?? 1;
    this.#previousIndexKey = options.previousIndex?.key;
    this.previousIndexVersion = options.previousIndex?.version ?? null;
  }

  newDek(batchId: string): { dek: Buffer; wrapped: Buffer } {
    const dek = randomBytes(32);
    return { dek, wrapped: seal(this.#kek, dek, `dek|v1|${batchId}|${this.kekId}`) };
  }

  /** The caller fills the answer with zeros after use. */
  openDek(wrapped: Buffer, batchId: string, kekId: string): Buffer {
    const kek = kekId === this.kekId ? this.#kek : kekId === this.#previous?.kekId ? this.#previous.kek : undefined;
    if (!kek) throw new VaultError();
    return open(kek, wrapped, `dek|v1|${batchId}|${kekId}`);
  }

  /** The same data key under the current master key. */
  rewrapDek(wrapped: Buffer, batchId: string, kekId: string): Buffer {
    const dek = this.openDek(wrapped, batchId, kekId);
    try {
      return seal(this.#kek, dek, `dek|v1|${batchId}|${this.kekId}`);
    } finally {
      dek.fill(0);
    }
  }

  sealKey(dek: Buffer, plaintext: string | Buffer, place: KeyPlace): Buffer {
    const bytes = Buffer.from(plaintext);
    try {
      return seal(dek, bytes, aadOf(place));
    } finally {
      bytes.fill(0);
    }
  }

  openKey(dek: Buffer, ciphertext: Buffer, place: KeyPlace, encoding: 'utf8' | 'base64' = 'utf8'): string {
    const bytes = open(dek, ciphertext, aadOf(place));
    try {
      return bytes.toString(encoding);
    } finally {
      bytes.fill(0);
    }
  }

  /** Equal for equal product keys of a brand, however they were typed; tells nothing else without its key. */
  blindIndex(brand: string, plaintext: string | Buffer): Buffer {
    return indexOf(this.#blindIndexKey, brand, plaintext);
  }

  /** The same under the key before this one, while there is one; null when there is none. */
  previousIndex(brand: string, plaintext: string | Buffer): Buffer | null {
    return this.#previousIndexKey === undefined ? null : indexOf(this.#previousIndexKey, brand, plaintext);
  }

  /** For each secret, a value that only this secret makes. */
  proofs(): { name: string; proof: Buffer }[] {
    const prove = (secret: Buffer, name: string) => ({
      name,
      proof: createHmac('sha256', secret).update(`proof|v1|${name}`).digest(),
    });
    return [
      prove(this.#kek, this.kekId),
      ...(this.#previous ? [prove(this.#previous.kek, this.#previous.kekId)] : []),
      prove(this.#blindIndexKey, `blind-index-${this.blindIndexVersion}`),
      ...(this.#previousIndexKey ? [prove(this.#previousIndexKey, `blind-index-${this.previousIndexVersion}`)] : []),
    ];
  }
}

function indexOf(key: Buffer, brand: string, plaintext: string | Buffer): Buffer {
  const content = typeof plaintext === 'string' ? normalizeKey(plaintext) : plaintext;
  return createHmac('sha256', key).update(`${brand}|`).update(content).digest();
}

function aadOf(place: KeyPlace): string {
  return `key|v1|${place.keyId}|${place.variantId}|${place.batchId}`;
}

function seal(key: Buffer, plaintext: Buffer, aad: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(aad));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function open(key: Buffer, sealed: Buffer, aad: string): Buffer {
  // A short tag is easier to guess: the length is fixed here, never taken from what is stored.
  if (sealed.length < nonceBytes + tagBytes) throw new VaultError();
  try {
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(aad));
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  } catch {
    throw new VaultError(); // Without the cause: an error of the cipher has nothing to tell that may be told.
  }
}

/** Dashes, spaces and case do not make another product key. */
export function normalizeKey(plaintext: string): string {
  return plaintext.replaceAll(/[\s\-‐-―]/gu, '').toUpperCase();
}

/** The last four characters, where the product key is long enough that they give nothing away. */
export function maskKey(plaintext: string): string {
  const normal = normalizeKey(plaintext);
  return normal.length >= 10 ? `•••• •••• ${normal.slice(-4)}` : '•••• ••••';
}
