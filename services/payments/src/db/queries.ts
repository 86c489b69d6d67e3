import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { ownAffair } from '@kelid/contracts/common';
import {
  referenceUsed,
  refundNotFound,
  transferNotFound,
  withdrawalMoveRefused,
  withdrawalNotFound,
  type WithdrawalStatus,
} from '@kelid/contracts/payments';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import { actorName } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import type { Context } from '../context.ts';
import { openStatuses } from '../attempts/attempt-status.rules.ts';
import {
  bankAccounts,
  customerLevels,
  paymentAttempts,
  paymentIntents,
  refunds,
  transfers,
  withdrawals,
} from './schema.ts';

type RefundRow = typeof refunds.$inferSelect;
type WithdrawalRow = typeof withdrawals.$inferSelect;
type BankAccountRow = typeof bankAccounts.$inferSelect;
/** Who looks. */
type Viewer = Pick<Context, 'actor'>;

export async function findRefund(ctx: Context, id: string): Promise<RefundRow> {
  const [refund] = await ctx.db.select().from(refunds).where(eq(refunds.id, id));
  if (!refund) throw refundNotFound();
  return refund;
}

/** Whole for its owner, and for an admin while there is a transfer to make or an account to check; for others its ends (A37). */
function shownSheba({ actor }: Viewer, sheba: string, ownerId: string | undefined, isDue: boolean): string {
  const isOwner = actor.kind === 'user' && actor.userId === ownerId;
  const isAdmin = actor.kind === 'user' && actor.roles.includes('admin');
  if (isOwner || (isAdmin && isDue)) return sheba;
  return `${sheba.slice(0, 7)}${'*'.repeat(sheba.length - 11)}${sheba.slice(-4)}`;
}

export function showRefund(refund: RefundRow, ctx: Viewer) {
  const { id, orderId, customerId, amountRial, method, status, isWhole, keyIds, needsApproval } = refund;
  const { reason, requestedBy, approvedBy, reference, failureReason } = refund;
  return {
    id,
    orderId,
    customerId,
    amountRial,
    method,
    status,
    isWhole,
    keyIds,
    sheba: refund.sheba === null ? null : shownSheba(ctx, refund.sheba, undefined, status === 'submitting'),
    needsApproval,
    reason,
    requestedBy,
    approvedBy,
    reference,
    failureReason,
    createdAt: new Date(refund.createdAt).toISOString(),
  };
}

export function showBankAccount(account: BankAccountRow, ctx: Viewer) {
  const { id, customerId, holderName, status, reason } = account;
  const sheba = shownSheba(ctx, account.sheba, customerId, status === 'pending');
  return { id, customerId, sheba, holderName, status, reason };
}

/** With the account it goes to. */
export function selectWithdrawals(ctx: Context) {
  return ctx.db
    .select({ withdrawal: withdrawals, account: bankAccounts })
    .from(withdrawals)
    .innerJoin(bankAccounts, eq(bankAccounts.id, withdrawals.bankAccountId));
}

export async function findWithdrawal(ctx: Context, id: string) {
  const [found] = await selectWithdrawals(ctx).where(eq(withdrawals.id, id));
  if (!found) throw withdrawalNotFound();
  return found;
}

export function showWithdrawal(
  { withdrawal, account }: { withdrawal: WithdrawalRow; account: BankAccountRow },
  ctx: Viewer,
) {
  const { id, customerId, amountRial, status, reason, reference, approvedBy } = withdrawal;
  return {
    id,
    customerId,
    amountRial,
    status,
    reason,
    reference,
    approvedBy,
    sheba: shownSheba(ctx, account.sheba, customerId, status === 'approved'),
    holderName: account.holderName,
    createdAt: new Date(withdrawal.createdAt).toISOString(),
  };
}

/** A page of withdrawals, newest first. */
export async function pageWithdrawals(
  ctx: Context,
  filter: {
    customerId?: string;
    status?: WithdrawalStatus | undefined;
    limit: number;
    cursor?: string | undefined;
  },
) {
  const { customerId, status, limit, cursor } = filter;
  const rows = await selectWithdrawals(ctx)
    .where(
      and(
        customerId === undefined ? undefined : eq(withdrawals.customerId, customerId),
        status === undefined ? undefined : eq(withdrawals.status, status),
        cursor === undefined ? undefined : lt(withdrawals.id, cursor),
      ),
    )
    .orderBy(desc(withdrawals.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ withdrawal }) => withdrawal.id);
  return {
    items: shown.map((found) => showWithdrawal(found, ctx)),
    nextCursor,
  };
}

/** Ends a withdrawal, once: what was held for it leaves the shop or goes back to the wallet. */
export async function endWithdrawal(
  ctx: Context,
  id: string,
  status: 'sent' | 'rejected' | 'cancelled',
  reference: string | null,
  reason: string,
) {
  const before = await findWithdrawal(ctx, id);
  const { rows } = await ctx.db
    .execute<{ id: string | null }>(
      sql`select id from payments_end_withdrawal(${id}, ${status}, ${reference}, ${actorName(ctx)}, ${reason})`,
    )
    .catch(rethrowUsedReference)
    .catch(rethrowOwnAffair);
  if (!rows[0]?.id) throw withdrawalMoveRefused({ status: before.withdrawal.status });
  return showWithdrawal(await findWithdrawal(ctx, id), ctx);
}

/** Named transfers with their attempts. */
export function selectTransfers(ctx: Context) {
  return ctx.db
    .select({ transfer: transfers, attempt: paymentAttempts })
    .from(transfers)
    .innerJoin(paymentAttempts, eq(paymentAttempts.id, transfers.attemptId));
}

export async function findTransfer(ctx: Context, attemptId: string) {
  const [found] = await selectTransfers(ctx).where(eq(transfers.attemptId, attemptId));
  if (!found) throw transferNotFound();
  return found;
}

export function showTransfer({ transfer, attempt }: Awaited<ReturnType<typeof findTransfer>>) {
  const { attemptId, customerId, status, trackingNumber, cardLast4, approvedBy, reason, submittedAt } = transfer;
  return {
    attemptId,
    customerId,
    status,
    trackingNumber,
    cardLast4,
    approvedBy,
    reason,
    orderId: attempt.orderId,
    amountRial: attempt.amountRial,
    submittedAt: new Date(submittedAt).toISOString(),
  };
}

/** A payment from card to card, named or not; another's is not there at all (I25). */
export async function getOwnTransfer(ctx: Context, attemptId: string, customerId: string) {
  const [found] = await ctx.db
    .select({ attempt: paymentAttempts, kind: paymentIntents.kind, transfer: transfers })
    .from(paymentAttempts)
    .innerJoin(paymentIntents, eq(paymentIntents.id, paymentAttempts.intentId))
    .leftJoin(transfers, eq(transfers.attemptId, paymentAttempts.id))
    .where(
      and(
        eq(paymentAttempts.id, attemptId),
        eq(paymentAttempts.customerId, customerId),
        eq(paymentAttempts.psp, 'card-to-card'),
      ),
    );
  if (!found) throw transferNotFound();
  return found;
}

export function showOwnTransfer(ctx: Context, found: Awaited<ReturnType<typeof getOwnTransfer>>) {
  const { attempt, kind, transfer } = found;
  const isOpen = openStatuses.includes(attempt.status);
  return {
    attemptId: attempt.id,
    orderId: attempt.orderId,
    kind,
    amountRial: attempt.amountRial,
    cardNumber: ctx.config.PAYMENTS_CARD_NUMBER ?? '',
    cardHolder: ctx.config.PAYMENTS_CARD_HOLDER ?? '',
    status: transfer?.status ?? (isOpen ? ('waiting' as const) : ('over' as const)),
    trackingNumber: transfer?.trackingNumber ?? null,
    cardLast4: transfer?.cardLast4 ?? null,
  };
}

export function showAttempt(attempt: typeof paymentAttempts.$inferSelect) {
  return {
    id: attempt.id,
    orderId: attempt.orderId,
    customerId: attempt.customerId,
    psp: attempt.psp,
    status: attempt.status,
    amountRial: attempt.amountRial,
    isSurplus: attempt.isSurplus,
    pspReference: attempt.pspReference,
    cardMasked: attempt.cardMasked,
    failureReason: attempt.failureReason,
    createdAt: new Date(attempt.createdAt).toISOString(),
    updatedAt: new Date(attempt.updatedAt).toISOString(),
  };
}

/** How far a customer is known; 0 who was never looked at. */
export async function levelOf(ctx: Context, customerId: string): Promise<number> {
  const [known] = await ctx.db
    .select({ level: customerLevels.level })
    .from(customerLevels)
    .where(eq(customerLevels.customerId, customerId));
  return known?.level ?? 0;
}

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
