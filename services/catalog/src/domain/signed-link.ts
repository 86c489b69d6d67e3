import { createHmac, timingSafeEqual } from 'node:crypto';

/** The query of a link that opens a private file until `expires` (Unix seconds). */
export function signLink(secret: string, key: string, expires: number): { expires: number; signature: string } {
  return { expires, signature: signatureOf(secret, key, expires) };
}

export function isLinkValid(secret: string, key: string, expires: number, signature: string, nowMs: number): boolean {
  if (expires * 1000 <= nowMs) return false;
  const [given, right] = [Buffer.from(signature), Buffer.from(signatureOf(secret, key, expires))];
  return given.length === right.length && timingSafeEqual(given, right);
}

function signatureOf(secret: string, key: string, expires: number): string {
  return createHmac('sha256', secret).update(`${key}|${expires}`).digest('base64url');
}
