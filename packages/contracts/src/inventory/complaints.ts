import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, ownAffair, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { stockShort } from './stock.ts';
import { ClaimStatus, SupplierName } from './supply.ts';
import { ComplaintStatus, keyNotFound, keyNotRevealable } from './vault.ts';

export const complaintNotFound = problem('inventory.complaint-not-found', {
  status: 404,
  title: 'No such open complaint',
});
export const orderRefunded = problem('inventory.order-refunded', {
  status: 409,
  title: 'All the money of this order went back; its complaints can only be rejected',
});

export const ComplaintReason = z.enum(['already-used', 'wrong-region', 'invalid', 'not-active-yet']);

export const complaintOperations = {
  reportKey: operation({
    method: 'POST',
    path: '/orders/{orderId}/keys/{keyId}/complaint',
    summary:
      'Says that an own product key does not work; it is replaced at once where the rules allow it, else a person looks',
    access: ['customer'],
    checksSession: true,
    /** A picture of one mebibyte, which base64 makes a third longer, and a note beside it. */
    bodyBytesMax: 1_500_000,
    limitPerMinute: 6,
    input: z.object({
      orderId: Id,
      keyId: Id,
      reason: ComplaintReason,
      note: z.string().max(500).optional(),
      /** What the shopper saw: a PNG, JPEG or GIF of at most 1 MiB. */
      pictureBase64: z.base64().max(1_400_000).optional(),
    }),
    output: z.object({ status: ComplaintStatus }),
    problems: [keyNotFound, keyNotRevealable],
  }),
  listComplaints: operation({
    method: 'GET',
    path: '/admin/complaints',
    summary: 'Complaints about product keys, newest first',
    access: ['admin', 'support'],
    showsCustomers: true,
    input: z.object({ status: ComplaintStatus.optional(), limit: Limit, cursor: IdCursor }),
    output: page(
      z.object({
        id: Id,
        keyId: Id,
        orderId: Id,
        customerId: Id,
        batchId: Id,
        reason: ComplaintReason,
        note: z.string().nullable(),
        hasPicture: z.boolean(),
        /** What another product key for the unit would be worth; null where that is not known. */
        valueRial: AmountRial.nullable(),
        /** Its customer had bought and kept as much before, without a complaint. */
        isTrusted: z.boolean(),
        status: ComplaintStatus,
        replacementKeyId: Id.nullable(),
        decidedBy: z.string().nullable(),
        decision: z.string().nullable(),
        /** What the supplier was asked for this product key, and what came of it; null when it is not a supplier's. */
        claim: z.object({ supplier: SupplierName, status: ClaimStatus, note: z.string().nullable() }).nullable(),
        createdAt: Instant,
        decidedAt: Instant.nullable(),
      }),
    ),
  }),
  decideComplaint: operation({
    method: 'POST',
    path: '/admin/complaints/{complaintId}/decision',
    summary:
      'Replaces the product key of an open complaint, refunds its unit to the wallet, or rejects it, with a reason',
    access: ['admin'],
    checksSession: true,
    input: z.object({
      complaintId: Id,
      status: z.enum(['replaced', 'refunded', 'rejected']),
      reason: z.string().min(3).max(500),
    }),
    output: z.object({ complaintId: Id, status: ComplaintStatus, replacementKeyId: Id.nullable() }),
    problems: [complaintNotFound, stockShort, orderRefunded, ownAffair],
  }),
  getComplaintPicture: operation({
    method: 'GET',
    path: '/admin/complaints/{complaintId}/picture',
    summary: 'The picture that came with a complaint; each look is recorded',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ complaintId: Id }),
    output: z.object({ contentType: z.string(), contentBase64: z.string() }),
    problems: [complaintNotFound],
  }),
};
