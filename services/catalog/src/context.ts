import type { catalogContract } from '@kelid/contracts/catalog';
import type { BaseContext, Db, OperationsOf } from '@kelid/service/context';
import type { CatalogConfig } from './config.ts';
import type { RateSource } from './providers/rate-source.ts';
import type { ObjectStore } from './storage/object-store.ts';

export type Context = BaseContext & {
  config: CatalogConfig;
  store: ObjectStore;
  rateSources: readonly RateSource[];
  /** Where pages are read: a replica where one is set. What is sold, and for how much, is read from `db`. */
  readDb: Db;
};
export type Operations = OperationsOf<typeof catalogContract, Context>;
