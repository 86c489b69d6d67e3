import type { Psp } from '@kelid/contracts/payments';
import { z } from 'zod';
import { createBehpardakht } from './behpardakht.ts';
import type { PspProvider } from './psp.ts';
import { createCardToCard } from './card-to-card.ts';
import { createSadad } from './sadad.ts';
import { createStripe } from './stripe.ts';
import { createWebhookPsp } from './webhook.ts';
import { createSep } from './sep.ts';
import { createZarinpal } from './zarinpal.ts';
import { createZibal } from './zibal.ts';

/** What each PSP is told of this shop. */
export const pspSettings = {
  PAYMENTS_ZARINPAL_URL: z.url().default('http://localhost:4000/zarinpal'),
  PAYMENTS_ZARINPAL_MERCHANT_ID: z.uuid().default('11111111-2222-4333-8444-555555555555'),
  PAYMENTS_ZIBAL_URL: z.url().default('http://localhost:4000/zibal'),
  /** Zibal is offered when its merchant is given. */
  PAYMENTS_ZIBAL_MERCHANT: z.string().min(1).optional(),
  /** Zibal's platform API, for refunds to the card; without a token Zibal's payments are refunded by other ways. */
  PAYMENTS_ZIBAL_PLATFORM_URL: z.url().default('http://localhost:4000/zibal-platform'),
  PAYMENTS_ZIBAL_PLATFORM_TOKEN: z.string().min(8).optional(),
  /** Bank Melli's gateway, with the prefix of its path; it is offered when all three of its terminal are given. */
  PAYMENTS_SADAD_URL: z.url().default('http://localhost:4000/sadad'),
  PAYMENTS_SADAD_MERCHANT_ID: z.string().min(1).optional(),
  PAYMENTS_SADAD_TERMINAL_ID: z.string().min(1).optional(),
  PAYMENTS_SADAD_TERMINAL_KEY: z.base64().optional(),
  PAYMENTS_BEHPARDAKHT_URL: z.url().default('http://localhost:4000/behpardakht'),
  /** Behpardakht Mellat is offered when its terminal, user name and password are given. */
  PAYMENTS_BEHPARDAKHT_TERMINAL_ID: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  PAYMENTS_BEHPARDAKHT_USER_NAME: z.string().min(1).optional(),
  PAYMENTS_BEHPARDAKHT_USER_PASSWORD: z.string().min(1).optional(),
  PAYMENTS_STRIPE_URL: z.url().default('http://localhost:4000/stripe'),
  /** Stripe is offered when its key is given, and then the rate must be too: no default of it could be right. */
  PAYMENTS_STRIPE_SECRET_KEY: z.string().min(1).optional(),
  PAYMENTS_STRIPE_CURRENCY: z
    .string()
    .regex(/^[a-z]{3}$/, 'is three small letters, such as eur')
    .default('eur'),
  /** Whole Rial for one cent, or whatever the smallest unit of the currency is. */
  PAYMENTS_STRIPE_RIAL_PER_MINOR: z.coerce.number().int().min(1).optional(),
  /** Of the webhook endpoint, two of them while one is being replaced. */
  PAYMENTS_STRIPE_WEBHOOK_SECRETS: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((secret) => secret.trim() || [])),
  /** The payment page of whoever confirms by signed messages; it is offered when a secret is given, and the newest is the first. */
  PAYMENTS_WEBHOOK_PAY_URL: z.url().default('http://localhost:4000/webhook-bank/pay'),
  PAYMENTS_WEBHOOK_SECRETS: z
    .string()
    .default('')
    .transform((list) => list.split(',').flatMap((secret) => secret.trim() || []))
    .refine((secrets) => secrets.every((secret) => secret.length >= 32), 'needs secrets of 32 characters or more'),
  /** The shop's own card for transfers by hand; they are offered when it and its holder are given. */
  PAYMENTS_CARD_NUMBER: z
    .string()
    .regex(/^\d{16}$/, 'is the 16 digits of a card')
    .optional(),
  PAYMENTS_CARD_HOLDER: z.string().min(3).optional(),
  PAYMENTS_SEP_URL: z.url().default('http://localhost:4000/sep'),
  /** Saman's gateway is offered when its terminal is given. */
  PAYMENTS_SEP_TERMINAL_ID: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
};
type PspSettings = z.infer<z.ZodObject<typeof pspSettings>>;

/** The PSPs that this shop has a contract with: those whose credentials are given. */
export function createPsps(config: PspSettings & { PAYMENTS_SHOP_URL: string }): Partial<Record<Psp, PspProvider>> {
  const psps: (PspProvider | undefined)[] = [
    createZarinpal({ baseUrl: config.PAYMENTS_ZARINPAL_URL, merchantId: config.PAYMENTS_ZARINPAL_MERCHANT_ID }),
    config.PAYMENTS_ZIBAL_MERCHANT === undefined
      ? undefined
      : createZibal({
          baseUrl: config.PAYMENTS_ZIBAL_URL,
          merchant: config.PAYMENTS_ZIBAL_MERCHANT,
          ...(config.PAYMENTS_ZIBAL_PLATFORM_TOKEN === undefined
            ? {}
            : {
                platform: {
                  baseUrl: config.PAYMENTS_ZIBAL_PLATFORM_URL,
                  token: config.PAYMENTS_ZIBAL_PLATFORM_TOKEN,
                },
              }),
        }),
    createSadadOf(config),
    behpardakhtOf(config),
    createStripeOf(config),
    createWebhookOf(config),
    config.PAYMENTS_CARD_NUMBER === undefined || config.PAYMENTS_CARD_HOLDER === undefined
      ? undefined
      : createCardToCard({ shopUrl: config.PAYMENTS_SHOP_URL }),
    config.PAYMENTS_SEP_TERMINAL_ID === undefined
      ? undefined
      : createSep({ baseUrl: config.PAYMENTS_SEP_URL, terminalId: config.PAYMENTS_SEP_TERMINAL_ID }),
  ];
  return Object.fromEntries(psps.flatMap((psp) => (psp ? [[psp.psp, psp]] : [])));
}

function createSadadOf(config: PspSettings): PspProvider | undefined {
  const { PAYMENTS_SADAD_MERCHANT_ID: merchantId, PAYMENTS_SADAD_TERMINAL_ID: terminalId } = config;
  const { PAYMENTS_SADAD_TERMINAL_KEY: terminalKey, PAYMENTS_SADAD_URL: baseUrl } = config;
  if (merchantId === undefined || terminalId === undefined || terminalKey === undefined) return undefined;
  return createSadad({ baseUrl, merchantId, terminalId, terminalKey });
}

function behpardakhtOf(config: PspSettings): PspProvider | undefined {
  const { PAYMENTS_BEHPARDAKHT_TERMINAL_ID: terminalId, PAYMENTS_BEHPARDAKHT_USER_NAME: userName } = config;
  const { PAYMENTS_BEHPARDAKHT_URL: baseUrl, PAYMENTS_BEHPARDAKHT_USER_PASSWORD: userPassword } = config;
  if (terminalId === undefined || userName === undefined || userPassword === undefined) return undefined;
  return createBehpardakht({ baseUrl, terminalId, userName, userPassword });
}

function createStripeOf(config: PspSettings): PspProvider | undefined {
  const { PAYMENTS_STRIPE_SECRET_KEY: secretKey, PAYMENTS_STRIPE_RIAL_PER_MINOR: rialPerMinor } = config;
  if (secretKey === undefined) return undefined;
  if (rialPerMinor === undefined) throw new Error('PAYMENTS_STRIPE_RIAL_PER_MINOR is needed with the key of Stripe');
  return createStripe({
    baseUrl: config.PAYMENTS_STRIPE_URL,
    secretKey,
    currency: config.PAYMENTS_STRIPE_CURRENCY,
    rialPerMinor,
    webhookSecrets: config.PAYMENTS_STRIPE_WEBHOOK_SECRETS,
  });
}

function createWebhookOf(config: PspSettings): PspProvider | undefined {
  const { PAYMENTS_WEBHOOK_PAY_URL: payUrl, PAYMENTS_WEBHOOK_SECRETS: secrets } = config;
  if (secrets.length === 0) return undefined;
  const title = { fa: 'درگاه همکار', en: 'Partner gateway' };
  return createWebhookPsp({ payUrl, secrets, title, now: Date.now });
}
