import { startSimulators } from './simulators.ts';

if (process.env['NODE_ENV'] === 'production') throw new Error('The simulators are no part of a production shop');

const kinguinUrl = process.env['KINGUIN_WEBHOOK_URL'];
const stripeWebhook = targetOf(process.env['STRIPE_WEBHOOK_URL'], process.env['STRIPE_WEBHOOK_SECRETS']);
const paymentWebhook = targetOf(process.env['PAYMENT_WEBHOOK_URL'], process.env['PAYMENT_WEBHOOK_SECRETS']);
const simulators = await startSimulators({
  port: Number(process.env['SIMULATORS_PORT'] ?? 4000),
  smtpPort: Number(process.env['SIMULATORS_SMTP_PORT'] ?? 1025),
  host: process.env['HOST'] ?? '127.0.0.1',
  ...(stripeWebhook ? { stripeWebhook } : {}),
  ...(paymentWebhook ? { paymentWebhook } : {}),
  ...(kinguinUrl ? { kinguinWebhook: { url: kinguinUrl, secret: process.env['KINGUIN_WEBHOOK_SECRET'] ?? '' } } : {}),
});
console.log(`simulators: ${simulators.url}`);
let isClosing = false;
async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  await simulators.close();
  process.exit(0);
}
process.once('SIGTERM', () => void close());
process.once('SIGINT', () => void close());
// A parent that was killed leaves no message: the closed channel is the sign.
process.once('disconnect', () => void close());

function targetOf(url: string | undefined, secrets = '') {
  return url ? { url, secrets: secrets.split(',').filter(Boolean) } : undefined;
}
