import type { catalogContract } from '@kelid/contracts/catalog';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { CatalogConfig } from './config.ts';
import type { ObjectStore } from './storage/object-store.ts';

export type Context = BaseContext & { config: CatalogConfig; store: ObjectStore };
export type Operations = OperationsOf<typeof catalogContract, Context>;
