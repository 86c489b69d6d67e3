import { createHmac } from 'node:crypto';
import { newId } from '@kelid/service/ids';
import { expect, test } from 'vitest';
import { asked } from '../test-payments.ts';
import { createWebhookPsp } from './webhook.ts';

const secret = 'a-secret-of-the-partner-gateway-in-one-word';
const now = Date.parse('2026-11-21T12:00:00Z');
const psp = createWebhookPsp({
  payUrl: 'https://pay.example/start',
  secrets: [secret],
  title: { fa: 'درگاه', en: 'Gateway' },
  now: () => now,
});
const attemptId = newId();
const body = JSON.stringify({
  type: 'payment.succeeded',
  data: { attemptId, amountRial: 2_500_000, reference: 'REF-1' },
});
const nowSeconds = now / 1000;
function signatureOf(at: number, by = secret, id = 'msg_1', text = body): string {
  return `v1,${createHmac('sha256', by).update(`${id}.${at}.${text}`).digest('base64')}`;
}
const take = (at: number, signature: string, text = body) =>
  psp.parseWebhook?.(text, {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(at),
    'webhook-signature': signature,
  });
const taken = { pspToken: attemptId, claimsSuccess: true, proof: { paidRial: '2500000', reference: 'REF-1' } };

test('PA-5 A73: a message is taken with its whole signature alone: whatever single character of it differs, it is refused', () => {
  const right = signatureOf(nowSeconds);
  expect(take(nowSeconds, right)).toEqual(taken);
  expect(take(nowSeconds, `v1,of-an-old-secret ${right}`)).toEqual(taken);
  for (let at = 0; at < right.length; at += 1) {
    // The last digit of Base64 has spare bits, so its neighbour could mean the same bytes; as a text it is another one.
    const forged = `${right.slice(0, at)}${right[at] === 'A' ? 'B' : 'A'}${right.slice(at + 1)}`;
    expect(take(nowSeconds, forged), `character ${at}`).toBe('refused');
  }
  for (const forged of ['', 'v1,', right.slice(0, -1), `${right}=`, right.slice(3), `v2,${right.slice(3)}`])
    expect(take(nowSeconds, forged), forged).toBe('refused');
  expect(take(nowSeconds, signatureOf(nowSeconds, 'another secret of the very same length!!!!!!'))).toBe('refused');
  expect(take(nowSeconds, signatureOf(nowSeconds, secret, 'msg_2'))).toBe('refused');
  expect(take(nowSeconds, right, body.replace('2500000', '2500001'))).toBe('refused');
});

test('PA-5 A73: a message of more than five minutes ago or ahead is refused, though its signature is right', () => {
  for (const seconds of [-300, -1, 0, 1, 300])
    expect(take(nowSeconds + seconds, signatureOf(nowSeconds + seconds)), String(seconds)).toEqual(taken);
  for (const seconds of [-86_400, -301, 301, 86_400])
    expect(take(nowSeconds + seconds, signatureOf(nowSeconds + seconds)), String(seconds)).toBe('refused');
  for (const at of [Number.NaN, -1, 1.5]) expect(take(at, signatureOf(at)), String(at)).toBe('refused');
});

test.each([2_499_999, 2_500_001, 250_000, 25_000_000, 0])(
  'I7 A51: of an order of 2,500,000 Rial a message that tells %i is a mismatch, less as well as more',
  async (paidRial) => {
    const proof = { paidRial: String(paidRial), reference: 'REF-1' };
    const attempt = { ...asked(attemptId, 2_500_000), proof };
    expect((await psp.verify(attempt)).kind).toBe('mismatch');
    const right = { ...attempt, proof: { ...proof, paidRial: '2500000' } };
    expect(await psp.verify(right)).toMatchObject({ kind: 'approved', reference: 'REF-1' });
  },
);
