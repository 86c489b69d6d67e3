import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { getOwnTransfer, showOwnTransfer } from './transfers.ts';

export const getTransfer: Operations['getTransfer'] = async (ctx, { attemptId }) =>
  showOwnTransfer(ctx, await getOwnTransfer(ctx, attemptId, requireUser(ctx).userId));
