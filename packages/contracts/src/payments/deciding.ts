import { z } from 'zod';
import { problem } from '../contract.ts';

/** Why a person decides so about money. */
export const Reason = z.string().trim().min(3).max(300);
export const secondPersonNeeded = problem('payments.second-person-needed', {
  status: 403,
  title: 'Another person must approve this',
});
export const referenceUsed = problem('payments.reference-used', {
  status: 409,
  title: 'This reference has paid for something already',
  data: z.object({ field: z.string() }),
});
