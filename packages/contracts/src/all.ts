import { catalogContract } from './catalog.ts';
import { identityContract } from './identity.ts';
import { inventoryContract } from './inventory.ts';
import { notificationsContract } from './notifications.ts';
import { ordersContract } from './orders.ts';
import { paymentsContract } from './payments.ts';

/** Every contract of the shop by name. A new service adds its line here. */
export const contracts = {
  identity: identityContract,
  catalog: catalogContract,
  orders: ordersContract,
  payments: paymentsContract,
  inventory: inventoryContract,
  notifications: notificationsContract,
};
export type ServiceName = keyof typeof contracts;
export const serviceNames = Object.keys(contracts) as ServiceName[]; // The object's own keys, all of them names.
