import { presentOnly } from '@kelid/service/environment';
import { z } from 'zod';
import type { startSimulators } from './simulators.ts';

const Config = z.object({
  HOST: z.string().default('127.0.0.1'),
  SIMULATORS_PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  SIMULATORS_SMTP_PORT: z.coerce.number().int().min(0).max(65_535).default(1025),
  KINGUIN_WEBHOOK_URL: z.string().optional(),
  KINGUIN_WEBHOOK_SECRET: z.string().default(''),
  STRIPE_WEBHOOK_URL: z.string().optional(),
  STRIPE_WEBHOOK_SECRETS: z.string().default(''),
  PAYMENT_WEBHOOK_URL: z.string().optional(),
  PAYMENT_WEBHOOK_SECRETS: z.string().default(''),
});

/** How the simulators start in this environment; an empty value is an absent one. */
export function optionsOf(env: Record<string, string | undefined>): Parameters<typeof startSimulators>[0] {
  const config = Config.parse(presentOnly(env));
  const target = (url: string | undefined, secrets: string) =>
    url === undefined ? undefined : { url, secrets: secrets.split(',').filter(Boolean) };
  const stripeWebhook = target(config.STRIPE_WEBHOOK_URL, config.STRIPE_WEBHOOK_SECRETS);
  const paymentWebhook = target(config.PAYMENT_WEBHOOK_URL, config.PAYMENT_WEBHOOK_SECRETS);
  return {
    port: config.SIMULATORS_PORT,
    smtpPort: config.SIMULATORS_SMTP_PORT,
    host: config.HOST,
    ...(stripeWebhook ? { stripeWebhook } : {}),
    ...(paymentWebhook ? { paymentWebhook } : {}),
    ...(config.KINGUIN_WEBHOOK_URL
      ? { kinguinWebhook: { url: config.KINGUIN_WEBHOOK_URL, secret: config.KINGUIN_WEBHOOK_SECRET } }
      : {}),
  };
}
