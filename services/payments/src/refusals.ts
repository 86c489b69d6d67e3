import { ownAffair } from '@kelid/contracts/common';
import { referenceUsed } from '@kelid/contracts/payments';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';

/** One transfer of the bank is the end of one withdrawal or refund. */
export function rethrowUsedReference(error: unknown): never {
  if (sqlState(error) === sqlStates.uniqueViolation && violatedConstraint(error)?.includes('reference'))
    throw referenceUsed({ field: 'reference' });
  throw error;
}

/** Each table of money says by a check of its own that none of its decisions is the customer's (A64). */
export function rethrowOwnAffair(error: unknown): never {
  if (sqlState(error) === sqlStates.checkViolation && violatedConstraint(error)?.endsWith('_not_own'))
    throw ownAffair();
  throw error;
}
