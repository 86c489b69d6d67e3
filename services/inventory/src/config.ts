import { z } from 'zod';

const Key = z.string().refine((text) => Buffer.from(text, 'base64').length === 32, 'needs 32 bytes in base64');

export const InventoryConfig = z.object({
  /** The master key that wraps the data keys of batches. It is nowhere else: losing it loses every product key. */
  INVENTORY_KEK: Key,
  INVENTORY_KEK_ID: z.string().regex(/^kek-\d{6}$/, 'looks like kek-202611'),
  /** The key of the blind index, by which a product key that came twice is known without decrypting any. */
  INVENTORY_BLIND_INDEX_KEY: Key,
});
export type InventoryConfig = z.infer<typeof InventoryConfig>;
