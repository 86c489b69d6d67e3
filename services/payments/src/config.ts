import { z } from 'zod';
import { pspSettings } from './providers/psps.ts';

export const PaymentsConfig = z.object({
  ...pspSettings,
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
