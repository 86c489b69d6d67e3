import { createHmac, randomUUID } from 'node:crypto';
import { addressOf } from '@kelid/contracts/address';
import { paymentsContract } from '@kelid/contracts/payments';
import { readSecrets, serverEnvironment } from './settings.ts';

/** One signed message of the generic payment page (PA-7), to a shop that runs; answers what the shop said to it. */
export async function sendPaymentWebhook(message: {
  attemptId: string;
  amountRial: number;
  reference: string;
  hasFailed: boolean;
  /** How long ago the message says that it was sent. */
  secondsOld: number;
}): Promise<{ status: number; body: string }> {
  const env = serverEnvironment({ databaseUrls: {}, secretOf: readSecrets() });
  const [secret = ''] = (env['PAYMENTS_WEBHOOK_SECRETS'] ?? '').split(',');
  const { attemptId, amountRial, reference } = message;
  const body = JSON.stringify({
    type: message.hasFailed ? 'payment.failed' : 'payment.succeeded',
    timestamp: new Date().toISOString(),
    data: { attemptId, ...(message.hasFailed ? { reason: 'declined' } : { amountRial, reference }) },
  });
  const { path } = addressOf(paymentsContract.operations.handlePspWebhook, { psp: 'webhook' });
  const id = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000) - message.secondsOld);
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  const answer = await fetch(`${env['PAYMENTS_CALLBACK_URL']}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  });
  return { status: answer.status, body: await answer.text() };
}
