import { randomInt } from 'node:crypto';

// Without 0 O 1 I L: people read this number aloud.
const letters = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

/** A short code for people; the unique column decides should two ever meet. */
export function newOrderNumber(): string {
  return Array.from({ length: 9 }, () => letters[randomInt(letters.length)]).join('');
}
