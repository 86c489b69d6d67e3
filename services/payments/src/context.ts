import type { paymentsContract, Psp } from '@kelid/contracts/payments';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { MinuteCounts } from '@kelid/service/minute-counts';
import type { PaymentsConfig } from './config.ts';
import type { PspProvider } from './providers/psp.ts';

export type Context = BaseContext & {
  config: PaymentsConfig;
  psps: Partial<Record<Psp, PspProvider>>;
  /** News that names nothing of ours, by what is wrong with it and by whose address it is from. */
  noise: MinuteCounts;
};
export type Operations = OperationsOf<typeof paymentsContract, Context>;
