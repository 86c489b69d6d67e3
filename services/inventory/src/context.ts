import type { inventoryContract } from '@kelid/contracts/inventory';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { Vault } from './domain/vault.ts';

export type Context = BaseContext & { vault: Vault };
export type Operations = OperationsOf<typeof inventoryContract, Context>;
