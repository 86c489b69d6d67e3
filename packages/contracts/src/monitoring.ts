import { z } from 'zod';
import { Id, IdCursor, Instant, Limit, page } from './common.ts';
import { operation, problem } from './contract.ts';

/** What the monitor of a service found that must never be. */
export const InvariantBreach = z.object({
  id: Id,
  invariant: z.string(),
  subject: z.string(),
  sentence: z.string(),
  /** Not sold until the breach is settled. */
  variantId: Id.nullable(),
  foundAt: Instant,
  settledAt: Instant.nullable(),
  settledBy: Id.nullable(),
  settleReason: z.string().nullable(),
});
export const breachNotFound = problem('breach-not-found', { status: 404, title: 'No such breach' });

export const listBreachesOf = (what: string) =>
  operation({
    method: 'GET',
    path: `/admin/invariant-breaches/${what}`,
    summary: `What the monitor of ${what} found that must never be, newest first, and the variant that is not sold for it`,
    access: ['admin', 'developer'],
    checksSession: true,
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(InvariantBreach),
  });
export const settleBreachOf = (what: string) =>
  operation({
    method: 'POST',
    path: `/admin/invariant-breaches/${what}/{breachId}/settle`,
    summary: 'A person has looked at a breach and says why its variant may be sold again',
    access: ['admin'],
    checksSession: true,
    input: z.object({ breachId: Id, reason: z.string().min(3).max(500) }),
    output: InvariantBreach,
    problems: [breachNotFound],
  });
