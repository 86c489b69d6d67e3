import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, ownAffair, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Reason, secondPersonNeeded } from './deciding.ts';

export const transferNotFound = problem('payments.transfer-not-found', {
  status: 404,
  title: 'There is no such transfer',
});
export const transferDecided = problem('payments.transfer-decided', {
  status: 409,
  title: 'This transfer is decided, or its payment is over',
  data: z.object({ status: z.string() }),
});
export const transferChanged = problem('payments.transfer-changed', {
  status: 409,
  title: 'The customer has named another transfer meanwhile; look at that one in the bank',
});
export const tooManyTransferNumbers = problem('payments.too-many-transfer-numbers', {
  status: 409,
  title: 'Too many tracking numbers were given for this payment; ask support',
  data: z.object({ numbersMax: z.int() }),
});
export const trackingNumberUsed = problem('payments.tracking-number-used', {
  status: 409,
  title: 'This tracking number was given for another payment',
  data: z.object({ field: z.string() }),
});
export const transferAmountDiffers = problem('payments.transfer-amount-differs', {
  status: 409,
  title: 'What the bank shows is not the amount of this payment; reject it and give the money back by hand',
  data: z.object({ amountRial: z.int() }),
});
const TrackingNumber = z.string().regex(/^\d{4,30}$/, 'is the number on the receipt, digits alone');
const TransferStatus = z.enum(['submitted', 'approved', 'rejected']);
/** A transfer from card to card as staff see it. */
const Transfer = z.object({
  attemptId: Id,
  orderId: Id,
  customerId: Id,
  amountRial: AmountRial,
  status: TransferStatus,
  trackingNumber: z.string(),
  cardLast4: z.string(),
  approvedBy: z.string().nullable(),
  reason: z.string().nullable(),
  submittedAt: Instant,
});
const OwnTransfer = z.object({
  attemptId: Id,
  orderId: Id,
  kind: z.enum(['order', 'top-up']),
  amountRial: AmountRial,
  /** Where the money is to be sent. */
  cardNumber: z.string(),
  cardHolder: z.string(),
  /** `waiting` until the customer has named the transfer; `over` when the payment cannot be made any more. */
  status: z.enum(['waiting', ...TransferStatus.options, 'over']),
  trackingNumber: z.string().nullable(),
  cardLast4: z.string().nullable(),
});

export const transferOperations = {
  getTransfer: operation({
    method: 'GET',
    path: '/payments/transfers/{attemptId}',
    summary: 'Where to send the money of an own payment from card to card, and what became of it',
    access: ['customer'],
    input: z.object({ attemptId: Id }),
    output: OwnTransfer,
    problems: [transferNotFound],
  }),
  submitTransfer: operation({
    method: 'PUT',
    path: '/payments/transfers/{attemptId}',
    summary: "Names the transfer that was made, by its tracking number and the card's last four digits",
    access: ['customer'],
    input: z.object({
      attemptId: Id,
      trackingNumber: TrackingNumber,
      cardLast4: z.string().regex(/^\d{4}$/, 'is four digits'),
    }),
    output: OwnTransfer,
    problems: [transferNotFound, transferDecided, trackingNumberUsed, tooManyTransferNumbers],
  }),
  listTransfers: operation({
    method: 'GET',
    path: '/admin/transfers',
    summary: 'Transfers from card to card that customers have named, oldest first',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ status: TransferStatus.optional(), limit: Limit, cursor: IdCursor }),
    output: page(Transfer),
  }),
  decideTransfer: operation({
    method: 'POST',
    path: '/admin/transfers/{attemptId}/decision',
    summary: 'Says that a transfer is in the bank, or is not; above 50,000,000 Rial two people say so',
    access: ['admin'],
    checksSession: true,
    input: z.object({
      attemptId: Id,
      isApproved: z.boolean(),
      /** The number that was looked up in the bank: what its customer named after that is not decided. */
      trackingNumber: TrackingNumber,
      /** What the bank shows, typed by hand; needed for an approval. */
      seenRial: AmountRial.default(0),
      reason: Reason,
    }),
    output: Transfer,
    problems: [
      transferNotFound,
      transferDecided,
      transferChanged,
      transferAmountDiffers,
      secondPersonNeeded,
      ownAffair,
    ],
  }),
};
