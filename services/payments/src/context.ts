import type { paymentsContract, Psp } from '@kelid/contracts/payments';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { PaymentsConfig } from './config.ts';
import type { PspProvider } from './providers/psp.ts';

export type Context = BaseContext & { config: PaymentsConfig; psps: Partial<Record<Psp, PspProvider>> };
export type Operations = OperationsOf<typeof paymentsContract, Context>;
