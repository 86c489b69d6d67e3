import { join } from 'node:path';
import { inventoryContract } from '@kelid/contracts/inventory';
import { defineService } from '@kelid/service/define-service';
import { InventoryConfig } from './config.ts';
import { expireKeys, expireReservations } from './jobs/expire-stock.ts';
import { rewrapBatches } from './jobs/rewrap-batches.ts';
import { tellStock } from './jobs/tell-stock.ts';
import { openVault } from './open-vault.ts';
import { deleteDigitalKey } from './operations/delete-digital-key.ts';
import { fulfillOrder } from './operations/fulfill-order.ts';
import { getDigitalKey } from './operations/get-digital-key.ts';
import { getStock } from './operations/get-stock.ts';
import { importKeys } from './operations/import-keys.ts';
import { listDigitalKeys } from './operations/list-digital-keys.ts';
import { listOrderKeys } from './operations/list-order-keys.ts';
import { listOwnKeys } from './operations/list-own-keys.ts';
import { releaseStock } from './operations/release-stock.ts';
import { reserveStock } from './operations/reserve-stock.ts';
import { revealDigitalKey } from './operations/reveal-digital-key.ts';
import { revealKey } from './operations/reveal-key.ts';
import { updateDigitalKey } from './operations/update-digital-key.ts';

export const inventoryService = defineService({
  contract: inventoryContract,
  peers: ['catalog'],
  migrationsFolder: join(import.meta.dirname, 'db/migrations'),
  config: InventoryConfig,
  async createParts(config, start) {
    return { vault: await openVault(start.contextOf().db, config) };
  },
  operations: {
    listOrderKeys,
    listOwnKeys,
    revealKey,
    importKeys,
    listDigitalKeys,
    getDigitalKey,
    updateDigitalKey,
    deleteDigitalKey,
    revealDigitalKey,
    reserveStock,
    releaseStock,
    fulfillOrder,
    getStock,
  },
  sweeps: [
    { name: 'expire-reservations', everyMs: 2_000, run: expireReservations },
    { name: 'expire-keys', everyMs: 5_000, run: expireKeys },
    { name: 'tell-stock', everyMs: 500, run: tellStock },
    { name: 'rewrap-batches', everyMs: 5_000, run: rewrapBatches },
  ],
});
