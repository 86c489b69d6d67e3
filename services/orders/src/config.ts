import { z } from 'zod';

export const OrdersConfig = z.object({
  ORDERS_HOLD_MINUTES: z.coerce.number().int().min(1).max(60).default(20),
  ORDERS_QUOTE_MINUTES: z.coerce.number().int().min(1).max(60).default(15),
  ORDERS_PENDING_MAX: z.coerce.number().int().min(1).max(1_000_000).default(3),
  ORDERS_CART_DAYS: z.coerce.number().int().min(1).max(365).default(30),
  ORDERS_VAT_BASIS_POINTS: z.coerce.number().int().min(0).max(10_000).default(0),
  ORDERS_FEE_RIAL: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  /** Goods of this much, after discounts, pay no fee. Without it every paid order does. */
  ORDERS_FEE_FREE_FROM_RIAL: z.coerce.number().int().min(0).optional(),
});
export type OrdersConfig = z.infer<typeof OrdersConfig>;
