import type { inventoryContract } from '@kelid/contracts/inventory';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { InventoryConfig } from './config.ts';
import type { Vault } from './vault/vault.rules.ts';
import type { Supplier } from './providers/supplier.ts';

export type Context = BaseContext & { vault: Vault; config: InventoryConfig; suppliers: ReadonlyMap<string, Supplier> };
export type Operations = OperationsOf<typeof inventoryContract, Context>;
