import type { ordersContract } from '@kelid/contracts/orders';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { OrdersConfig } from './config.ts';

export type Context = BaseContext & { config: OrdersConfig };
export type Operations = OperationsOf<typeof ordersContract, Context>;
