import { z } from 'zod';

export const PaymentsConfig = z.object({
  PAYMENTS_ZARINPAL_URL: z.url().default('http://localhost:4000/zarinpal'),
  PAYMENTS_ZARINPAL_MERCHANT_ID: z.uuid().default('11111111-2222-4333-8444-555555555555'),
  PAYMENTS_ZIBAL_URL: z.url().default('http://localhost:4000/zibal'),
  /** Zibal is offered when its merchant is given. */
  PAYMENTS_ZIBAL_MERCHANT: z.string().min(1).optional(),
  /** The gateway's public origin, where banks send the browser back. */
  PAYMENTS_CALLBACK_URL: z.url().default('http://localhost:8080'),
  /** The shop's public origin, with the result page. */
  PAYMENTS_SHOP_URL: z.url().default('http://localhost:3000'),
  PAYMENTS_CARD_HASH_SECRET: z.string().min(32, 'needs 32 characters or more'),
});
export type PaymentsConfig = z.infer<typeof PaymentsConfig>;
