import { z } from 'zod';

const Key = z.string().refine((text) => Buffer.from(text, 'base64').length === 32, 'needs 32 bytes in base64');

export const InventoryConfig = z.object({
  /** The master key that wraps the data keys of batches. It is nowhere else: losing it loses every product key. */
  INVENTORY_KEK: Key,
  INVENTORY_KEK_ID: z.string().regex(/^kek-\d{6}$/, 'looks like kek-202611'),
  /** The master key before this one, as `kek-202511:<base64>`, until the sweep has wrapped every batch anew. */
  INVENTORY_KEK_PREVIOUS: z
    .string()
    .regex(/^kek-\d{6}:[A-Za-z0-9+/]{43}=$/, 'looks like kek-202511:<32 bytes in base64>')
    .optional(),
  /** The key of the blind index, by which a product key that came twice is known without decrypting any. */
  INVENTORY_BLIND_INDEX_KEY: Key,
  /** Grows by one with each new key of the blind index. */
  INVENTORY_BLIND_INDEX_VERSION: z.coerce.number().int().min(1).max(1000).default(1),
  /** The key of the blind index before this one, as `1:<base64>`, until the sweep has changed every row. */
  INVENTORY_BLIND_INDEX_PREVIOUS: z
    .string()
    .regex(/^\d{1,4}:[A-Za-z0-9+/]{43}=$/, 'looks like 1:<32 bytes in base64>')
    .optional(),
  /** CodesWholesale is used when its client id is given. */
  INVENTORY_CODESWHOLESALE_URL: z.url().default('http://localhost:4000/codeswholesale'),
  INVENTORY_CODESWHOLESALE_VERSION: z.enum(['v3']).default('v3'),
  INVENTORY_CODESWHOLESALE_CLIENT_ID: z.string().min(1).optional(),
  INVENTORY_CODESWHOLESALE_CLIENT_SECRET: z.string().min(1).default('unset'),
  /** Whether CodesWholesale has put this client on the list of its complaint API. */
  INVENTORY_CODESWHOLESALE_COMPLAINTS: z.enum(['yes', 'no']).default('no'),
  /** Kinguin is used when its API key is given. */
  INVENTORY_KINGUIN_URL: z.url().default('http://localhost:4000/kinguin/esa/api'),
  INVENTORY_KINGUIN_API_KEY: z.string().min(1).optional(),
  INVENTORY_KINGUIN_WEBHOOK_SECRET: z.string().min(16, 'needs 16 characters or more').optional(),
  /** MooGold, which tops up game accounts, is used when its partner id is given. */
  INVENTORY_MOOGOLD_URL: z.url().default('http://localhost:4000/moogold/wp-json/v1/api'),
  INVENTORY_MOOGOLD_PARTNER_ID: z.string().min(1).optional(),
  INVENTORY_MOOGOLD_SECRET_KEY: z.string().min(1).default('unset'),
  /** After this a paid line that no supplier could fill is given up, and its money goes back. */
  INVENTORY_SUPPLY_MINUTES: z.coerce.number().min(0.05).max(1440).default(30),
  /** How old a supplier's price may be before it is asked again. */
  INVENTORY_QUOTE_SECONDS: z.coerce.number().int().min(1).max(3600).default(300),
  INVENTORY_SUPPLIER_CALLS_PER_SECOND: z.coerce.number().min(0.1).max(10_000).default(100),
  /** Above this a complaint is never answered with another product key or with money before a person or the supplier has looked. */
  INVENTORY_COMPLAINT_UNIT_MAX_RIAL: z.coerce.number().int().min(0).default(20_000_000),
  /** What the rules give on complaints to one customer in 365 days, and to all in 24 hours and in 30 days. */
  INVENTORY_COMPLAINT_CUSTOMER_YEAR_MAX_RIAL: z.coerce.number().int().min(0).default(40_000_000),
  INVENTORY_COMPLAINT_DAY_MAX_RIAL: z.coerce.number().int().min(0).default(200_000_000),
  INVENTORY_COMPLAINT_MONTH_MAX_RIAL: z.coerce.number().int().min(0).default(1_000_000_000),
  /** How long ago a customer has looked at what it bought and did not complain of, for it to count in its favour. */
  INVENTORY_COMPLAINT_GOOD_DAYS: z.coerce.number().int().min(0).max(3650).default(14),
  /** So many customers whose complaints are evident freeze a batch; of others so many raise an alarm. */
  INVENTORY_FREEZE_AT_COMPLAINTS: z.coerce.number().int().min(1).max(1000).default(3),
  // Ceilings of what is spent at suppliers, in cents of their currencies. What was ordered counts with the most that it may cost, whatever became of it.
  /** Supplier orders for one paid line, beyond one for each of its units. */
  INVENTORY_LINE_SPARE_ORDERS: z.coerce.number().int().min(0).max(100).default(10),
  /** For one paid line, as a multiple of what its units cost at our dearest maximum. */
  INVENTORY_LINE_SPEND_TIMES: z.coerce.number().int().min(1).max(20).default(4),
  /** For one paid line. */
  INVENTORY_LINE_SPEND_CENTS: z.coerce.number().int().min(1).default(500_000),
  /** At one supplier in a day of Tehran. */
  INVENTORY_SUPPLIER_DAY_CENTS: z.coerce.number().int().min(1).default(2_000_000),
  /** At all suppliers in a day of Tehran. */
  INVENTORY_SPEND_DAY_CENTS: z.coerce.number().int().min(1).default(5_000_000),
  /** A supplier balance below this many cents is alarmed. */
  INVENTORY_BALANCE_ALARM_CENTS: z.coerce.number().int().min(0).default(50_000),
});
export type InventoryConfig = z.infer<typeof InventoryConfig>;
