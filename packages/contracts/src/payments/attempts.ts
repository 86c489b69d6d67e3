import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, NoInput, ownAffair, page, RetryAfter } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Reason, referenceUsed, secondPersonNeeded } from './deciding.ts';
import { intentClosed, intentNotFound, IntentStatus } from './intents.ts';
import { Refund } from './refunds.ts';

export const Psp = z.enum(['zarinpal', 'zibal', 'sep', 'behpardakht', 'sadad', 'stripe', 'webhook', 'card-to-card']);
export type Psp = z.infer<typeof Psp>;
/** How an attempt is paid: at a bank, or from the wallet alone. */
export const PaymentMeans = z.enum([...Psp.options, 'wallet']);
export type PaymentMeans = z.infer<typeof PaymentMeans>;
export const AttemptStatus = z.enum([
  'created',
  'requesting',
  'redirected',
  'returned',
  'verifying',
  'captured',
  'failed',
  'unknown',
  'reversed',
  'abandoned',
  'review',
]);
export type AttemptStatus = z.infer<typeof AttemptStatus>;
export const paymentBeingChecked = problem('payments.payment_being_checked', {
  status: 409,
  title: 'We are asking the bank about your last payment; do not pay again',
  data: RetryAfter,
});
export const paymentInReview = problem('payments.payment_in_review', {
  status: 409,
  title: 'A person is asking the bank about your last payment; do not pay again',
});
export const pspUnavailable = problem('payments.psp-unavailable', {
  status: 503,
  title: 'This bank does not answer now; choose another or try again',
  data: RetryAfter,
});
export const pspWebhookRefused = problem('payments.webhook-refused', {
  status: 401,
  title: 'This message is not signed by the bank, or too old',
});
export const attemptNotFound = problem('payments.attempt-not-found', {
  status: 404,
  title: 'There is no such payment',
});
export const attemptMoveRefused = problem('payments.attempt-move-refused', {
  status: 409,
  title: 'This payment waits for nobody',
  data: z.object({ status: z.string() }),
});
/** Where the browser goes to pay. With `redirectFields` by a POST form that carries them; null: the wallet has paid all. */
export const StartedAttempt = z.object({
  attemptId: Id,
  /** Where it was begun: another bank of the same kind, when the chosen one did not. Absent in answers that were kept before it was told. */
  psp: PaymentMeans.optional(),
  redirectUrl: z.url().nullable(),
  redirectFields: z.record(z.string(), z.string()).nullable(),
});
export type StartedAttempt = z.infer<typeof StartedAttempt>;
const Attempt = z.object({
  id: Id,
  psp: PaymentMeans,
  status: AttemptStatus,
  amountRial: AmountRial,
  isSurplus: z.boolean(),
  pspReference: z.string().nullable(),
  cardMasked: z.string().nullable(),
  failureReason: z.string().nullable(),
  createdAt: Instant,
  updatedAt: Instant,
});
const StaffAttempt = Attempt.extend({ orderId: Id, customerId: Id });

export const attemptOperations = {
  listPaymentMethods: operation({
    method: 'GET',
    path: '/payments/methods',
    summary: 'The banks that can be chosen now, best first',
    access: ['public'],
    input: NoInput,
    output: z.object({
      items: z.array(z.object({ psp: Psp, title: z.object({ fa: z.string(), en: z.string() }) })),
      nextCursor: z.null(),
    }),
  }),
  setPspEnabled: operation({
    method: 'PUT',
    path: '/admin/payment-methods/{psp}',
    summary: 'Switches a bank off for new payments, or on again, with a reason; payments under way are finished',
    access: ['admin'],
    checksSession: true,
    input: z.object({ psp: Psp, isEnabled: z.boolean(), reason: z.string().min(3).max(300) }),
    output: z.object({ psp: Psp, isEnabled: z.boolean() }),
  }),
  startAttempt: operation({
    method: 'POST',
    path: '/internal/payments/attempts',
    summary:
      'One try at one bank for what the wallet does not pay, at the next bank when that one does not begin; the same attemptId again answers the same. Null: the wallet has paid all',
    access: ['internal'],
    input: z.object({ attemptId: Id, orderId: Id, psp: Psp }),
    output: StartedAttempt,
    problems: [intentNotFound, intentClosed, paymentBeingChecked, paymentInReview, pspUnavailable],
  }),
  handlePspCallback: operation({
    method: 'GET',
    path: '/payments/callback/{psp}',
    summary: "Where a bank sends the browser back (GET or POST); a hint only, the bank's server is asked",
    access: ['public'],
    transport: 'form',
    status: 303,
    input: z.object({ psp: z.string().max(20), params: z.record(z.string().max(64), z.string().max(512)) }),
    output: z.object({ location: z.string() }),
  }),
  handlePspWebhook: operation({
    method: 'POST',
    path: '/payments/webhook/{psp}',
    summary: "Where a bank's server sends its signed news; a hint too, answered at once and looked into after that",
    access: ['public'],
    transport: 'webhook',
    webhookHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'stripe-signature'],
    status: 202,
    input: z.object({
      psp: z.string().max(20),
      headers: z.record(z.string().max(64), z.string().max(512)),
      /** The very text that was signed. */
      body: z.string().max(65_536),
    }),
    output: z.object({}),
    problems: [pspWebhookRefused],
  }),
  getOrderPayments: operation({
    method: 'GET',
    path: '/payments/order/{orderId}',
    summary: 'What is owed for an own order, and each try to pay it',
    access: ['customer'],
    input: z.object({ orderId: Id }),
    output: z.object({
      intentId: Id,
      /** A top-up of the wallet is looked at by its own id. */
      kind: z.enum(['order', 'top-up']),
      orderId: Id,
      amountRial: AmountRial,
      /** The part of it that the wallet pays; banks are asked for the rest. */
      walletRial: AmountRial,
      status: IntentStatus,
      attempts: z.array(Attempt),
      /** What staff gave back, or are about to. */
      refunds: z.array(Refund.pick({ id: true, amountRial: true, method: true, status: true, createdAt: true })),
    }),
    problems: [intentNotFound],
  }),
  getOrderMoney: operation({
    method: 'GET',
    path: '/internal/payments/orders/{orderId}/money',
    summary:
      'How the money of an unpaid order stands: only a person can tell (review), its bank is still being asked (checking), it is there and the order will hear of it (captured), or there is none (settled)',
    access: ['internal'],
    input: z.object({ orderId: Id }),
    output: z.object({ state: z.enum(['settled', 'captured', 'checking', 'review']) }),
  }),
  listAttempts: operation({
    method: 'GET',
    path: '/admin/payment-attempts',
    summary: 'Tries to pay, newest first; those in review wait for a person',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ status: AttemptStatus.optional(), limit: Limit, cursor: IdCursor }),
    output: page(StaffAttempt),
  }),
  decideAttempt: operation({
    method: 'POST',
    path: '/admin/payment-attempts/{attemptId}/decision',
    summary:
      'Ends a review: the whole amount is in the bank under this reference, nothing is, or it went back; above 50,000,000 Rial two people say that it is there',
    access: ['admin'],
    checksSession: true,
    input: z.object({
      attemptId: Id,
      decision: z.enum(['captured', 'failed', 'reversed']),
      /** The bank's; needed for money that is there. */
      reference: z
        .string()
        .trim()
        .regex(/^[0-9A-Za-z_-]{4,60}$/, 'is letters and digits, 4 to 60')
        .optional(),
      reason: Reason,
    }),
    output: StaffAttempt,
    problems: [attemptNotFound, attemptMoveRefused, referenceUsed, secondPersonNeeded, ownAffair],
  }),
};
