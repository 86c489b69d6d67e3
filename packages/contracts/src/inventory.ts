import { contract } from './contract.ts';
import { vaultOperations } from './inventory/vault.ts';
import { stockOperations } from './inventory/stock.ts';
import { supplyOperations } from './inventory/supply.ts';
import { complaintOperations } from './inventory/complaints.ts';

export * from './inventory/vault.ts';
export * from './inventory/stock.ts';
export * from './inventory/supply.ts';
export * from './inventory/complaints.ts';

/** Parted as the service is: what a room does is in the file of its name. */
export const inventoryContract = contract('inventory', {
  ...vaultOperations,
  ...stockOperations,
  ...supplyOperations,
  ...complaintOperations,
});
