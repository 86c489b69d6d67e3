import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId } from '@kelid/service/ids';

/** How long a token is good for a cart that holds nothing yet. */
const emptyMs = 86_400_000;

/**
 * A guest's cart has a row from its first item on; until then its token says by itself that we gave it and which id the cart will have:
 * 16 bytes of id (a UUIDv7, so its time too), 16 nobody can guess, and a signature of both.
 */
export function newCartToken(secret: string): { token: string; cartId: string } {
  const cartId = newId();
  const body = Buffer.concat([Buffer.from(cartId.replaceAll('-', ''), 'hex'), randomBytes(16)]);
  return { token: Buffer.concat([body, sign(secret, body)]).toString('base64url'), cartId };
}

/** The id of the empty cart that a token is for; undefined for one that we did not give, or gave more than a day ago. */
export function readCartToken(secret: string, token: string, now: Date): string | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== 64 || bytes.toString('base64url') !== token) return undefined;
  const body = bytes.subarray(0, 32);
  if (!timingSafeEqual(sign(secret, body), bytes.subarray(32))) return undefined;
  if (now.getTime() - body.readUIntBE(0, 6) > emptyMs) return undefined;
  const hex = body.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function sign(secret: string, body: Buffer): Buffer {
  return createHmac('sha256', secret).update('cart-token').update(body).digest();
}

/** What is kept of a token: nobody who reads the table can use it. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
