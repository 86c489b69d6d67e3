import { createHash } from 'node:crypto';
import { isSame, type Secrets } from './secrets.ts';

const ttlMs = 10 * 60_000;

/** One bit more, which is twice the work, each time the load doubles; `load` is how many times over its free limit a thing is. */
export function difficultyOf(load: number, bits: number, bitsMax: number): number {
  return Math.min(Math.max(bits, bitsMax), bits + Math.floor(Math.log2(Math.max(1, load))));
}

/** A puzzle that needs no row: it names its phone, its end and its difficulty, and is signed. */
export function makePuzzle(
  secrets: Secrets,
  phone: string,
  difficultyBits: number,
  nowMs: number,
): { challenge: string; difficultyBits: number } {
  const text = `${phone}.${nowMs + ttlMs}.${difficultyBits}`;
  return { challenge: `${text}.${secrets.signPuzzle(text)}`, difficultyBits };
}

/** True when SHA-256(challenge + ':' + nonce) begins with as many zero bits as the puzzle asks and the puzzle is ours, for this phone, in time. */
export function isSolved(
  secrets: Secrets,
  phone: string,
  solution: { challenge: string; nonce: string },
  nowMs: number,
): boolean {
  const [puzzlePhone = '', expires = '', bits = '', signature = ''] = solution.challenge.split('.');
  if (
    puzzlePhone !== phone ||
    !isSame(signature, secrets.signPuzzle(`${puzzlePhone}.${expires}.${bits}`)) ||
    Number(expires) < nowMs
  )
    return false;
  const digest = createHash('sha256').update(`${solution.challenge}:${solution.nonce}`).digest();
  return Math.clz32(digest.readUInt32BE(0)) >= Number(bits);
}
