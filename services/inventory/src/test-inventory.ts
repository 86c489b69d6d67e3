import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices, userActor } from '@kelid/testing/start-service';
import { inventoryService } from './service.ts';

export const secrets = {
  INVENTORY_KEK: Buffer.alloc(32, 1).toString('base64'),
  INVENTORY_KEK_ID: 'kek-202611',
  INVENTORY_BLIND_INDEX_KEY: Buffer.alloc(32, 2).toString('base64'),
};

export interface TestInventory extends TestServices {
  /** A client for other services of the shop. */
  inventory(): ReturnType<typeof clientOf>;
  guest(): ReturnType<typeof clientOf>;
  admin(): ReturnType<typeof clientOf>;
  /** A client for a customer. */
  owner(userId: string): ReturnType<typeof clientOf>;
  /** A new variant with this many keys, or with these codes. */
  stockUp(codes: number | string[], options?: { variantId?: string; expiresAt?: string }): Promise<string>;
  counts(variantId: string): Promise<{ availableCount: number; reservedCount: number; soldCount: number }>;
  /** What does not hold of db/invariants.sql. */
  brokenInvariants(): Promise<string[]>;
}

/** Inventory alone on its own database, its sweeps driven by the test, and a catalogue whose SKUs are the variants' ids. */
export async function startInventory(env: Record<string, string> = {}): Promise<TestInventory> {
  const shop = await startServices({
    services: [inventoryService],
    env: { ...secrets, RUN: 'api', ...env },
    peerAnswers: {
      catalog: {
        findVariantBySku: ({ sku }: { sku: string }) => ({
          variant: sku === 'unknown' ? null : { variantId: sku, brand: 'Steam', platform: 'pc', accountRule: null },
        }),
      },
    },
  });
  const inventory = () => clientOf(shop);
  return {
    ...shop,
    inventory,
    admin: () => shop.as(inventoryContract, userActor(newId(), ['admin'])),
    guest: () => shop.as(inventoryContract, { kind: 'guest' }),
    owner: (userId) => shop.as(inventoryContract, userActor(userId)),
    async stockUp(codes, { variantId = newId(), expiresAt } = {}) {
      const prefix = newId().slice(-12).toUpperCase();
      const list =
        typeof codes === 'number' ? Array.from({ length: codes }, (_, index) => `${prefix}-${1000 + index}`) : codes;
      const report = await inventory().importKeys({
        sku: variantId,
        label: 'stock of a test',
        codes: list,
        ...(expiresAt ? { expiresAt } : {}),
      });
      if (report.importedCount !== list.length) throw new Error(`Only ${report.importedCount} keys came in`);
      return variantId;
    },
    async counts(variantId) {
      const { items } = await inventory().getStock({ variantIds: [variantId] });
      const { availableCount = -1, reservedCount = -1, soldCount = -1 } = items[0] ?? {};
      return { availableCount, reservedCount, soldCount };
    },
    brokenInvariants: () => shop.brokenInvariants('inventory'),
  };
}

export function orderOf(variantId: string, quantity = 1) {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  return { orderId: newId(), round: 1, expiresAt, lines: [{ orderLineId: newId(), variantId, quantity }] };
}

function clientOf(shop: TestServices) {
  return shop.as(inventoryContract, serviceActor);
}
