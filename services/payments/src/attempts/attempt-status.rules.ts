import type { AttemptStatus } from '@kelid/contracts/payments';

export const openStatuses: AttemptStatus[] = ['redirected', 'returned', 'unknown'];
/** A late success of an attempt that we gave up is looked at like any other: the money may be there. */
export const payableStatuses: AttemptStatus[] = [...openStatuses, 'failed', 'abandoned'];
