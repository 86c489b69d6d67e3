import { refundMoveRefused } from '@kelid/contracts/payments';
import type { Operations } from '../context.ts';
import { dropRefund, finishRefund } from './refunding.ts';
import { findRefund, showRefund } from './refunds.ts';

/** What a person did or found out: a transfer by hand, or the end of a refund that no PSP could tell (`payments_finish_refund`, `payments_drop_refund`). */
export const recordRefundTransfer: Operations['recordRefundTransfer'] = async (
  ctx,
  { refundId, wasSent, reference },
) => {
  const refund = await findRefund(ctx, refundId);
  const isForPeople = refund.status === 'review' || (refund.method === 'manual' && refund.status === 'submitting');
  const isDone =
    isForPeople &&
    (wasSent
      ? await finishRefund(ctx, refund, reference, 'told by staff')
      : await dropRefund(ctx, refund, 'failed', `not sent, told by staff: ${reference}`));
  if (!isDone) throw refundMoveRefused({ status: refund.status });
  return showRefund(await findRefund(ctx, refundId), ctx);
};
