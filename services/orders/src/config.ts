import { z } from 'zod';

export const OrdersConfig = z.object({
  /** How long an unpaid order holds its stock. */
  ORDERS_HOLD_MINUTES: z.coerce.number().int().min(1).max(60).default(20),
  /** Signs the tokens of carts that hold nothing yet. */
  SERVICE_TOKEN_SECRET: z.string().min(32, 'needs 32 characters or more'),
  /** How long a cart's prices are promised. */
  ORDERS_QUOTE_MINUTES: z.coerce.number().int().min(1).max(60).default(15),
  /** Unpaid orders of one customer, and checkouts in a minute. */
  ORDERS_PENDING_MAX: z.coerce.number().int().min(1).max(1_000_000).default(3),
  ORDERS_PER_MINUTE_MAX: z.coerce.number().int().min(1).max(1_000_000).default(6),
  /** Units of one variant in all unpaid orders of a customer. */
  ORDERS_HELD_UNITS_MAX: z.coerce.number().int().min(1).max(1_000_000).default(20),
  /** Orders of a day that may die unpaid before the next one has to wait. Each paid one makes up for one. */
  ORDERS_UNPAID_FREE_MAX: z.coerce.number().int().min(0).max(1_000_000).default(2),
  /** The wait after the first beyond that; it doubles with each further one. */
  ORDERS_UNPAID_WAIT_SECONDS: z.coerce.number().int().min(0).max(86_400).default(60),
  ORDERS_UNPAID_WAIT_MAX_SECONDS: z.coerce.number().int().min(0).max(86_400).default(21_600),
  ORDERS_CART_DAYS: z.coerce.number().int().min(1).max(365).default(30),
  ORDERS_VAT_BASIS_POINTS: z.coerce.number().int().min(0).max(10_000).default(0),
  ORDERS_FEE_RIAL: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  /** Goods of this much, after discounts, pay no fee. Without it every paid order does. */
  ORDERS_FEE_FREE_FROM_RIAL: z.coerce.number().int().min(0).optional(),
});
export type OrdersConfig = z.infer<typeof OrdersConfig>;
