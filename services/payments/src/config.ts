import { z } from 'zod';

export const PaymentsConfig = z.object({
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
  /** The gateway's public origin, where banks send the browser back. */
  PAYMENTS_CALLBACK_URL: z.url().default('http://localhost:8080'),
  /** The shop's public origin, with the result page. */
  PAYMENTS_SHOP_URL: z.url().default('http://localhost:3000'),
  /** Withdrawals above this, and refunds of an order whose sum is above it, need two people. */
  PAYMENTS_TWO_PEOPLE_ABOVE_RIAL: z.coerce.number().int().min(0).default(50_000_000),
  /** What one person may give back of an order beyond the product keys that close with it. */
  PAYMENTS_GOODWILL_MAX_RIAL: z.coerce.number().int().min(0).default(2_000_000),
  /** And so over all orders in a day of Tehran: one of staff, and all of them. Beyond it another person approves. */
  PAYMENTS_GOODWILL_STAFF_DAY_MAX_RIAL: z.coerce.number().int().min(0).default(10_000_000),
  PAYMENTS_GOODWILL_DAY_MAX_RIAL: z.coerce.number().int().min(0).default(50_000_000),
  /** What one customer may add to the wallet in a day of Tehran. */
  PAYMENTS_TOP_UP_DAY_MAX_RIAL: z.coerce.number().int().min(0).default(500_000_000),
  /** What one customer may buy in a day of Tehran, by level: known by phone, by a card that matches the phone, by staff. */
  PAYMENTS_DAY_MAX_RIAL: z
    .string()
    .default('500000000,1500000000,10000000000')
    .transform((list) => list.split(',').map(Number))
    .refine((limits) => limits.length === 3 && limits.every(Number.isSafeInteger), 'is three amounts with commas'),
  /** From this amount on a customer of level 0 pays where the PSP matches card and phone; absent: nobody has to. */
  PAYMENTS_MATCHED_CARD_FROM_RIAL: z.coerce.number().int().min(0).optional(),
  PAYMENTS_CARD_HASH_SECRET: z.string().min(32, 'needs 32 characters or more'),
});
export type PaymentsConfig = z.infer<typeof PaymentsConfig>;
