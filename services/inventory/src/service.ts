import { join } from 'node:path';
import { inventoryContract } from '@kelid/contracts/inventory';
import { defineService } from '@kelid/service/define-service';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { InventoryConfig } from './config.ts';
import type { Context } from './context.ts';
import { decideComplaint } from './complaints/decide-complaint.ts';
import { getComplaintPicture } from './complaints/get-complaint-picture.ts';
import { listComplaints } from './complaints/list-complaints.ts';
import { reportKey } from './complaints/report-key.ts';
import { expireKeys } from './stock/expire-keys.ts';
import { expireReservations } from './stock/expire-reservations.ts';
import { fulfillOrder } from './stock/fulfill-order.ts';
import { getStock } from './stock/get-stock.ts';
import { listStockBreaches } from './stock/list-stock-breaches.ts';
import { releaseStock } from './stock/release-stock.ts';
import { reserveStock } from './stock/reserve-stock.ts';
import { settleStockBreach } from './stock/settle-stock-breach.ts';
import { tellStock } from './stock/tell-stock.ts';
import { withdrawKeys } from './stock/withdraw-keys.ts';
import { checkGameAccount } from './supply/check-game-account.ts';
import { claimFromSuppliers } from './supply/claim-from-suppliers.ts';
import { enterSuppliedCodes } from './supply/enter-supplied-codes.ts';
import { followProcurements } from './supply/follow-procurements.ts';
import { forgetSupplierCalls } from './supply/forget-supplier-calls.ts';
import { handleSupplierWebhook } from './supply/handle-supplier-webhook.ts';
import { keepStock } from './supply/keep-stock.ts';
import { listProcurements } from './supply/list-procurements.ts';
import { listSupplierCalls } from './supply/list-supplier-calls.ts';
import { listSupplierProducts } from './supply/list-supplier-products.ts';
import { listSuppliers } from './supply/list-suppliers.ts';
import { openSuppliers } from './supply/open-suppliers.ts';
import { refreshQuotes } from './supply/refresh-quotes.ts';
import { replaySupplierCall } from './supply/replay-supplier-call.ts';
import { returnProcurement } from './supply/return-procurement.ts';
import { setSupplierOffer } from './supply/set-supplier-offer.ts';
import { supplyNeeds } from './supply/supply-needs.ts';
import { watchBalances } from './supply/watch-balances.ts';
import { addKeyImportLines } from './vault/add-key-import-lines.ts';
import { deleteDigitalKey } from './vault/delete-digital-key.ts';
import { finishKeyImport } from './vault/finish-key-import.ts';
import { followImports } from './vault/follow-imports.ts';
import { getDigitalKey } from './vault/get-digital-key.ts';
import { getKeyImport } from './vault/get-key-import.ts';
import { importKeys } from './vault/import-keys.ts';
import { listDigitalKeys } from './vault/list-digital-keys.ts';
import { listKeyBatches } from './vault/list-key-batches.ts';
import { listKeyImportVerdicts } from './vault/list-key-import-verdicts.ts';
import { listOrderKeys } from './vault/list-order-keys.ts';
import { listOwnKeys } from './vault/list-own-keys.ts';
import { openVault } from './vault/open-vault.ts';
import { revealDigitalKey } from './vault/reveal-digital-key.ts';
import { revealKey } from './vault/reveal-key.ts';
import { rewrapBatches } from './vault/rewrap-batches.ts';
import { rotateBlindIndexes } from './vault/rotate-blind-indexes.ts';
import { startKeyImport } from './vault/start-key-import.ts';
import { updateDigitalKey } from './vault/update-digital-key.ts';
import { updateKeyBatch } from './vault/update-key-batch.ts';
import { watchVault } from './vault/watch-vault.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const inventoryService = defineService({
  contract: inventoryContract,
  peers: ['catalog'],
  migrationsFolder,
  config: InventoryConfig,
  async createParts(config, start) {
    const { db, log } = start.contextOf();
    return { config, vault: await openVault(db, config), suppliers: openSuppliers(config, db, log) };
  },
  operations: {
    // vault
    listOrderKeys,
    listOwnKeys,
    revealKey,
    importKeys,
    addKeyImportLines,
    finishKeyImport,
    getKeyImport,
    listKeyImportVerdicts,
    startKeyImport,
    listDigitalKeys,
    getDigitalKey,
    updateDigitalKey,
    deleteDigitalKey,
    revealDigitalKey,
    listKeyBatches,
    updateKeyBatch,
    // stock
    listStockBreaches,
    settleStockBreach,
    reserveStock,
    releaseStock,
    withdrawKeys,
    fulfillOrder,
    getStock,
    // supply
    checkGameAccount,
    listSupplierCalls,
    replaySupplierCall,
    returnProcurement,
    setSupplierOffer,
    listSuppliers,
    listProcurements,
    listSupplierProducts,
    enterSuppliedCodes,
    handleSupplierWebhook,
    // complaints
    getComplaintPicture,
    reportKey,
    listComplaints,
    decideComplaint,
  },
  events: {},
  sweeps: [
    watchInvariants<Context>(migrationsFolder),
    { name: 'expire-reservations', everyMs: 2_000, run: expireReservations },
    { name: 'expire-keys', everyMs: 5_000, run: expireKeys },
    { name: 'tell-stock', everyMs: 500, run: tellStock },
    { name: 'supply-needs', everyMs: 500, run: supplyNeeds },
    { name: 'follow-procurements', everyMs: 500, run: followProcurements },
    { name: 'refresh-quotes', everyMs: 2_000, run: refreshQuotes },
    { name: 'keep-stock', everyMs: 10_000, run: keepStock },
    { name: 'watch-balances', everyMs: 300_000, run: watchBalances },
    { name: 'rewrap-batches', everyMs: 5_000, run: rewrapBatches },
    { name: 'rotate-blind-indexes', everyMs: 5_000, run: rotateBlindIndexes },
    { name: 'follow-imports', everyMs: 500, run: followImports },
    { name: 'watch-vault', everyMs: 30_000, run: watchVault },
    { name: 'claim-from-suppliers', everyMs: 2_000, run: claimFromSuppliers },
    { name: 'forget-supplier-calls', everyMs: 600_000, run: forgetSupplierCalls },
  ],
});
