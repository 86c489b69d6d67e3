import { z } from 'zod';
import { AmountRial, Cursor, Id, Instant, Limit, NoInput, NoOutput, page } from './common.ts';
import { contract, operation, problem } from './contract.ts';
import { orderCancelled, orderExpired, orderFulfilled, orderPaymentRefused, orderRefundDue } from './events.ts';

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
export const IntentStatus = z.enum(['open', 'captured', 'expired', 'cancelled']);

export const intentNotFound = problem('payments.intent-not-found', {
  status: 404,
  title: 'Nothing is owed for this order',
});
export const intentClosed = problem('payments.intent-closed', {
  status: 409,
  title: 'This order no longer awaits a payment',
});
export const intentMismatch = problem('payments.intent-mismatch', {
  status: 409,
  title: 'This order already has an intent with another amount',
});
export const paymentBeingChecked = problem<{ retryAfterSeconds: number }>('payments.payment_being_checked', {
  status: 409,
  title: 'We are asking the bank about your last payment; do not pay again',
});
export const pspUnavailable = problem<{ retryAfterSeconds: number }>('payments.psp-unavailable', {
  status: 503,
  title: 'This bank does not answer now; choose another or try again',
});

/** Where the browser goes to pay. With `redirectFields` by a POST form that carries them; null: the wallet has paid all. */
export const StartedAttempt = z.object({
  attemptId: Id,
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

export const paymentsContract = contract(
  'payments',
  {
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
    getOrderPayments: operation({
      method: 'GET',
      path: '/payments/order/{orderId}',
      summary: 'What is owed for an own order, and each try to pay it',
      access: ['customer'],
      input: z.object({ orderId: Id }),
      output: z.object({
        intentId: Id,
        orderId: Id,
        amountRial: AmountRial,
        /** The part of it that the wallet pays; banks are asked for the rest. */
        walletRial: AmountRial,
        status: IntentStatus,
        attempts: z.array(Attempt),
      }),
      problems: [intentNotFound],
    }),
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
    getWallet: operation({
      method: 'GET',
      path: '/wallet',
      summary: 'The balance of the customer',
      access: ['customer'],
      input: NoInput,
      output: z.object({ balanceRial: AmountRial, heldRial: AmountRial }),
    }),
    listWalletEntries: operation({
      method: 'GET',
      path: '/wallet/entries',
      summary: 'Each movement of the wallet, newest first',
      access: ['customer'],
      input: z.object({ limit: Limit, cursor: Cursor }),
      output: page(z.object({ id: Id, amountRial: z.int(), kind: z.string(), orderId: Id.nullable(), at: Instant })),
    }),
    getTrialBalance: operation({
      method: 'GET',
      path: '/admin/ledger/trial-balance',
      summary: 'Every account of the ledger with its balance; the sum is zero',
      access: ['admin', 'internal'],
      checksSession: true,
      input: NoInput,
      output: z.object({
        accounts: z.array(z.object({ account: z.string(), balanceRial: z.int() })),
        sumRial: z.int(),
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
    // Between services.
    createIntent: operation({
      method: 'POST',
      path: '/internal/payments/intents',
      summary: 'What an order owes; the same order again answers the same intent',
      access: ['internal'],
      input: z.object({
        orderId: Id,
        orderNumber: z.string().max(20),
        customerId: Id,
        amountRial: AmountRial.min(10_000),
        phone: z.string().optional(),
        /** At most this much is held in the customer's wallet and pays its part. */
        walletMaxRial: AmountRial.default(0),
      }),
      output: z.object({ intentId: Id, status: IntentStatus, walletRial: AmountRial }),
      problems: [intentMismatch],
    }),
    startAttempt: operation({
      method: 'POST',
      path: '/internal/payments/attempts',
      summary:
        'One try at one bank for what the wallet does not pay, at the next bank when that one does not begin; the same attemptId again answers the same. Null: the wallet has paid all',
      access: ['internal'],
      input: z.object({ attemptId: Id, orderId: Id, psp: Psp }),
      output: StartedAttempt,
      problems: [intentNotFound, intentClosed, paymentBeingChecked, pspUnavailable],
    }),
    closeIntent: operation({
      method: 'POST',
      path: '/internal/payments/intents/close',
      summary:
        'The order is dead: no new attempts, late money is surplus. A captured intent stays captured. Safe to repeat',
      access: ['internal'],
      input: z.object({ orderId: Id, status: z.enum(['expired', 'cancelled']) }),
      output: NoOutput,
    }),
  },
  [orderCancelled, orderExpired, orderFulfilled, orderPaymentRefused, orderRefundDue],
);
