import type { Db } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Logger } from '@kelid/service/log';
import type { InventoryConfig } from '../config.ts';
import { supplierCalls } from '../db/schema.ts';
import { createCodesWholesale } from '../providers/codeswholesale.ts';
import { createKinguin } from '../providers/kinguin.ts';
import { createManual } from '../providers/manual.ts';
import { createMooGold } from '../providers/moogold.ts';
import type { Supplier, SupplierCall } from '../providers/supplier.ts';

/** The suppliers that this shop has an account with. Another one is its file and an entry here. */
export function openSuppliers(config: InventoryConfig, db: Db, log: Logger): ReadonlyMap<string, Supplier> {
  // Evidence must not hold up a purchase: a call that cannot be kept is told in the log.
  const keepCallsOf = (supplier: string) => (call: SupplierCall) => {
    void db
      .insert(supplierCalls)
      .values({ id: newId(), supplier, ...call })
      .catch((error: unknown) => log.warn({ supplier, err: error }, 'a supplier call was not kept'));
  };
  const suppliers = [
    createManual(),
    config.INVENTORY_CODESWHOLESALE_CLIENT_ID === undefined
      ? undefined
      : createCodesWholesale({
          baseUrl: config.INVENTORY_CODESWHOLESALE_URL,
          version: config.INVENTORY_CODESWHOLESALE_VERSION,
          clientId: config.INVENTORY_CODESWHOLESALE_CLIENT_ID,
          clientSecret: config.INVENTORY_CODESWHOLESALE_CLIENT_SECRET,
          takesComplaints: config.INVENTORY_CODESWHOLESALE_COMPLAINTS === 'yes',
          callsPerSecond: config.INVENTORY_SUPPLIER_CALLS_PER_SECOND,
          onCall: keepCallsOf('codeswholesale'),
        }),
    config.INVENTORY_KINGUIN_API_KEY === undefined
      ? undefined
      : createKinguin({
          baseUrl: config.INVENTORY_KINGUIN_URL,
          apiKey: config.INVENTORY_KINGUIN_API_KEY,
          webhookSecret: config.INVENTORY_KINGUIN_WEBHOOK_SECRET,
          callsPerSecond: config.INVENTORY_SUPPLIER_CALLS_PER_SECOND,
          onCall: keepCallsOf('kinguin'),
        }),
    config.INVENTORY_MOOGOLD_PARTNER_ID === undefined
      ? undefined
      : createMooGold({
          baseUrl: config.INVENTORY_MOOGOLD_URL,
          partnerId: config.INVENTORY_MOOGOLD_PARTNER_ID,
          secretKey: config.INVENTORY_MOOGOLD_SECRET_KEY,
          callsPerSecond: config.INVENTORY_SUPPLIER_CALLS_PER_SECOND,
          onCall: keepCallsOf('moogold'),
        }),
  ];
  return new Map(suppliers.flatMap((supplier) => (supplier === undefined ? [] : [[supplier.name, supplier]])));
}
