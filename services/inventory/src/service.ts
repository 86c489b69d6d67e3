import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { inventoryContract } from '@kelid/contracts/inventory';
import { defineService } from '@kelid/service/define-service';
import { InventoryConfig } from './config.ts';
import { Vault } from './domain/vault.ts';
import { expireKeys, expireReservations } from './jobs/expire-stock.ts';
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
    const vault = new Vault({
      kek: Buffer.from(config.INVENTORY_KEK, 'base64'),
      kekId: config.INVENTORY_KEK_ID,
      blindIndexKey: Buffer.from(config.INVENTORY_BLIND_INDEX_KEY, 'base64'),
    });
    // A wrong master key must stop the start, not show itself as lost product keys to customers (F32).
    const { db } = start.contextOf();
    await db.execute(sql`insert into vault_checks (kek_id, proof) values (${vault.kekId}, ${vault.proof()}) on conflict do nothing`);
    const { rows } = await db.execute(sql`select 1 from vault_checks where kek_id = ${vault.kekId} and proof = ${vault.proof()}`);
    if (rows.length === 0) throw new Error(`INVENTORY_KEK is not the master key ${vault.kekId} that this vault was filled with`);
    return { vault };
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
    { name: 'expire-keys', everyMs: 60_000, run: expireKeys },
  ],
});
