import { z } from 'zod';
import { AmountRial, Id, Instant, NoInput, ownAffair } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Reason } from './deciding.ts';

export const limitReached = problem('payments.limit-reached', {
  status: 409,
  title: 'That is above what is allowed in this time',
  data: z.object({ limitRial: z.int(), period: z.string() }),
});

export const limitOperations = {
  getPaymentLimits: operation({
    method: 'GET',
    path: '/payments/limits',
    summary: 'What one may buy in a day, what is left of it, and what each further step allows',
    access: ['customer'],
    input: NoInput,
    output: z.object({
      level: z.int().min(0).max(2),
      dayMaxRial: AmountRial,
      spentTodayRial: AmountRial,
      steps: z.array(z.object({ level: z.int(), dayMaxRial: AmountRial })),
      /** Cards that were paid with, by what may be shown of them. */
      cards: z.array(z.object({ cardMasked: z.string().nullable(), isMatched: z.boolean(), lastPaidAt: Instant })),
    }),
  }),
  setCustomerLevel: operation({
    method: 'PUT',
    path: '/admin/customers/{customerId}/payment-level',
    summary: 'How far a customer is known, decided by staff with a reason',
    access: ['admin'],
    checksSession: true,
    input: z.object({ customerId: Id, level: z.int().min(0).max(2), reason: Reason }),
    output: z.object({ customerId: Id, level: z.int() }),
    problems: [ownAffair],
  }),
};
