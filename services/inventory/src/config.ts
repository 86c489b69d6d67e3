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
});
export type InventoryConfig = z.infer<typeof InventoryConfig>;
