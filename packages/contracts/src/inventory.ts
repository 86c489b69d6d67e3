import { z } from 'zod';
import {
  AmountRial,
  Id,
  IdCursor,
  Instant,
  Limit,
  NoInput,
  NoOutput,
  ownAffair,
  page,
  Quantity,
  unauthenticated,
} from './common.ts';
import { contract, operation, problem } from './contract.ts';
import { listBreachesOf, settleBreachOf } from './monitoring.ts';
import { GameAccount, ShownGameAccount } from './game-account.ts';

export const KeyStatus = z.enum(['available', 'reserved', 'allocated', 'quarantined', 'expired', 'void']);
export const stockShort = problem('inventory.stock-short', {
  status: 409,
  title: 'Not enough in stock',
  data: z.object({ variantIds: z.array(z.string()) }),
});
export const reservationReleased = problem('inventory.reservation-released', {
  status: 409,
  title: 'This reservation was released before it was made',
});
export const keyNotFound = problem('inventory.key-not-found', { status: 404, title: 'No such product key' });
export const keyNotRevealable = problem('inventory.key-not-revealable', {
  status: 409,
  title: 'This product key cannot be shown now',
});
export const keyAlreadySold = problem('inventory.key-already-sold', { status: 409, title: 'A sold product key stays' });
export const importRefused = problem('inventory.import-refused', {
  status: 422,
  title: 'Some lines cannot be imported; nothing was saved',
  data: z.object({ lines: z.array(z.object({ line: z.int(), reason: z.string() })) }),
});
export const skuUnknown = problem('inventory.sku-unknown', { status: 422, title: 'The catalogue has no such SKU' });

export const gameAccountUnknown = problem('inventory.game-account-unknown', {
  status: 422,
  title: 'The game knows no such account',
  data: z.object({ field: z.string() }),
});
export const importNotFound = problem('inventory.import-not-found', {
  status: 404,
  title: 'No such import, or it no longer takes lines',
});
export const supplierCallNotFound = problem('inventory.supplier-call-not-found', {
  status: 404,
  title: 'No such kept call that can be made again',
});
export const complaintNotFound = problem('inventory.complaint-not-found', {
  status: 404,
  title: 'No such open complaint',
});
export const orderRefunded = problem('inventory.order-refunded', {
  status: 409,
  title: 'All the money of this order went back; its complaints can only be rejected',
});
export const batchNotFound = problem('inventory.batch-not-found', { status: 404, title: 'No such batch' });
export const procurementNotFound = problem('inventory.procurement-not-found', {
  status: 404,
  title: 'No such open supplier order',
});
export const procurementNotReturnable = problem('inventory.procurement-not-returnable', {
  status: 409,
  title: 'The supplier does not take this order back',
});
export const supplierUnknown = problem('inventory.supplier-unknown', { status: 404, title: 'No such supplier' });

export const SupplierName = z.string().regex(/^[a-z][a-z0-9-]{1,30}$/);
export const ComplaintStatus = z.enum(['open', 'replaced', 'refunded', 'rejected']);
/** `due` is yet to be asked; `late` is past the supplier's window. */
export const ClaimStatus = z.enum(['due', 'asked', 'granted', 'refused', 'late']);
export const ComplaintReason = z.enum(['already-used', 'wrong-region', 'invalid', 'not-active-yet']);
export const OwnedKey = z.object({
  id: Id,
  orderId: Id,
  orderLineId: Id,
  variantId: Id,
  masked: z.string(),
  /** `parts`: several codes, or a code with its PIN. `receipt`: a top-up that has arrived in the game. */
  kind: z.enum(['text', 'image', 'parts', 'receipt']),
  deliveredAt: Instant,
  revealedAt: Instant.nullable(),
  /** What became of its owner's complaint; null without one. A replaced key is followed by its replacement in the list. */
  complaint: ComplaintStatus.nullable(),
});
/** One of the three: the text, its parts in the order they are used, or the picture that a supplier sold. */
const KeyPart = z.object({ label: z.enum(['code', 'pin']), text: z.string() });
const RevealedKey = z.object({
  code: z.string().optional(),
  parts: z.array(KeyPart).optional(),
  image: z
    .object({ contentType: z.enum(['image/png', 'image/jpeg', 'image/gif']), contentBase64: z.string() })
    .optional(),
});
const SupplierCall = z.object({
  id: Id,
  method: z.string(),
  path: z.string(),
  status: z.int().nullable(),
  durationMs: z.int(),
  request: z.string().nullable(),
  answer: z.string().nullable(),
  at: Instant,
});
const StaffKey = z.object({
  id: Id,
  variantId: Id,
  batchId: Id,
  masked: z.string(),
  status: KeyStatus,
  orderLineId: Id.nullable(),
  expiresAt: Instant.nullable(),
  createdAt: Instant,
});

export const LineProblemReason = z.enum([
  'empty',
  'malformed',
  'unexpected-format',
  'duplicate-in-file',
  'duplicate-in-stock',
]);
export type LineProblemReason = z.infer<typeof LineProblemReason>;
export const LineFormat = z.enum(['code', 'code-pin', 'codes']);
const ImportRules = {
  /** A line is one code; a code and its PIN; or all codes of one unit. Fields are separated by a tab or a semicolon. */
  lineFormat: LineFormat.default('code'),
  /** Takes codes that do not look like their platform's. */
  takesAnyFormat: z.boolean().default(false),
  /** `skip` leaves bad lines and duplicates out and reports them; `reject` refuses the whole import. */
  onDuplicate: z.enum(['skip', 'reject']).default('skip'),
  expiresAt: Instant.optional(),
  unitCostRial: AmountRial.optional(),
  dryRun: z.boolean().default(false),
};
const KeyImport = z.object({
  importId: Id,
  /** `receiving` takes lines; `storing` moves them into the vault; then `done`, `refused` as a whole, or `checked` (a dry run). */
  status: z.enum(['receiving', 'storing', 'done', 'refused', 'checked']),
  batchId: Id.nullable(),
  lineCount: z.int(),
  importedCount: z.int(),
  duplicateCount: z.int(),
  invalidCount: z.int(),
});
const StockLine = z.object({
  orderLineId: Id,
  variantId: Id,
  quantity: Quantity,
  /** Where a top-up goes. Such a line is never filled from stock. */
  gameAccount: ShownGameAccount.optional(),
});
const SoldLine = StockLine.extend({
  /** The shop's price of one unit, before discounts: what another product key for it would be worth. */
  unitValueRial: AmountRial.min(1).optional(),
});

export const inventoryContract = contract('inventory', {
  listStockBreaches: listBreachesOf('inventory'),
  settleStockBreach: settleBreachOf('inventory'),
  listOrderKeys: operation({
    method: 'GET',
    path: '/orders/{orderId}/keys',
    summary: 'The product keys of an own order, masked',
    access: ['customer'],
    input: z.object({ orderId: Id }),
    output: z.object({ items: z.array(OwnedKey), nextCursor: z.null() }),
  }),
  listOwnKeys: operation({
    method: 'GET',
    path: '/users/me/keys',
    summary: 'Every product key of this customer, masked, newest first',
    access: ['customer'],
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(OwnedKey),
  }),
  revealKey: operation({
    method: 'POST',
    path: '/orders/{orderId}/keys/{keyId}/reveal',
    summary: 'Shows an own product key; each time is recorded first',
    access: ['customer'],
    checksSession: true,
    limitPerMinute: 30,
    input: z.object({ orderId: Id, keyId: Id }),
    output: RevealedKey.extend({ revealedAt: Instant }),
    problems: [keyNotFound, keyNotRevealable],
  }),
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
  checkGameAccount: operation({
    method: 'POST',
    path: '/game-accounts/check',
    summary: 'The nickname behind a player number, asked before paying; null while nobody can be asked',
    access: ['public'],
    limitPerMinute: 20,
    input: z.object({ variantId: Id, gameAccount: GameAccount }),
    output: z.object({ nickname: z.string().nullable() }),
    problems: [gameAccountUnknown],
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
  importKeys: operation({
    method: 'POST',
    path: '/admin/digital-keys/bulk-import',
    summary: 'Adds product keys as a batch, all or nothing; a dry run only tells each line’s verdict',
    access: ['admin', 'internal'],
    status: 201,
    bodyBytesMax: 32 * 1024 * 1024,
    judgedTexts: 'codes',
    checksSession: true,
    input: z.object({
      sku: z.string().max(60),
      label: z.string().min(1).max(100),
      codes: z.array(z.string().max(1_000)).min(1).max(1_000_000),
      ...ImportRules,
      /** The same id again answers with the first import's report. */
      importId: Id.optional(),
    }),
    output: z.object({
      batchId: Id.nullable(),
      importedCount: z.int(),
      duplicateCount: z.int(),
      invalidCount: z.int(),
      problems: z.array(z.object({ line: z.int(), reason: LineProblemReason })),
    }),
    problems: [importRefused, skuUnknown],
  }),
  startKeyImport: operation({
    method: 'POST',
    path: '/admin/key-imports',
    summary: 'Opens an import of any size, whose lines follow in parts; the same id again answers the same import',
    access: ['admin', 'internal'],
    status: 201,
    checksSession: true,
    input: z.object({ importId: Id, sku: z.string().max(60), label: z.string().min(1).max(100), ...ImportRules }),
    output: KeyImport,
    problems: [skuUnknown],
  }),
  addKeyImportLines: operation({
    method: 'POST',
    path: '/admin/key-imports/{importId}/lines',
    summary: 'Lines of an import, judged and sealed at once; a part that is sent twice counts once',
    access: ['admin', 'internal'],
    bodyBytesMax: 6 * 1024 * 1024,
    judgedTexts: 'lines',
    checksSession: true,
    input: z.object({
      importId: Id,
      /** The number of the first of these lines in the whole file, from 1. */
      firstLine: z.int().min(1).max(10_000_000),
      lines: z.array(z.string().max(1_000)).min(1).max(5_000),
    }),
    output: KeyImport,
    problems: [importNotFound],
  }),
  finishKeyImport: operation({
    method: 'POST',
    path: '/admin/key-imports/{importId}/finish',
    summary:
      'All lines are here: stores them as one batch, all or nothing by the chosen rule; ask for the import to see it end',
    access: ['admin', 'internal'],
    status: 202,
    checksSession: true,
    input: z.object({ importId: Id }),
    output: KeyImport,
    problems: [importNotFound],
  }),
  getKeyImport: operation({
    method: 'GET',
    path: '/admin/key-imports/{importId}',
    summary: 'How far an import is, and what came of it',
    access: ['admin', 'internal'],
    input: z.object({ importId: Id }),
    output: KeyImport,
    problems: [importNotFound],
  }),
  listKeyImportVerdicts: operation({
    method: 'GET',
    path: '/admin/key-imports/{importId}/verdicts',
    summary: 'Each line that was not imported, by number, with why; kept for 30 days',
    access: ['admin', 'internal'],
    input: z.object({
      importId: Id,
      afterLine: z.int().min(0).default(0),
      limit: z.int().min(1).max(5_000).default(1_000),
    }),
    output: z.object({
      items: z.array(z.object({ line: z.int(), reason: LineProblemReason, masked: z.string() })),
      nextLine: z.int().nullable(),
    }),
    problems: [importNotFound],
  }),
  listDigitalKeys: operation({
    method: 'GET',
    path: '/admin/digital-keys',
    summary: 'Product keys, masked, by variant, status and batch',
    access: ['admin'],
    input: z.object({
      variantId: Id.optional(),
      status: KeyStatus.optional(),
      batchId: Id.optional(),
      limit: Limit,
      cursor: IdCursor,
    }),
    output: page(StaffKey),
  }),
  getDigitalKey: operation({
    method: 'GET',
    path: '/admin/digital-keys/{keyId}',
    summary: 'One product key, masked, with who looked at it',
    access: ['admin'],
    input: z.object({ keyId: Id }),
    output: StaffKey.extend({
      reveals: z.array(z.object({ at: Instant, by: z.string(), reason: z.string().nullable() })),
    }),
    problems: [keyNotFound],
  }),
  updateDigitalKey: operation({
    method: 'PATCH',
    path: '/admin/digital-keys/{keyId}',
    summary: 'Quarantines an unsold product key, or returns it to stock',
    access: ['admin'],
    checksSession: true,
    input: z.object({ keyId: Id, status: z.enum(['available', 'quarantined']), reason: z.string().min(3).max(500) }),
    output: StaffKey,
    problems: [keyNotFound, keyAlreadySold],
  }),
  deleteDigitalKey: operation({
    method: 'DELETE',
    path: '/admin/digital-keys/{keyId}',
    summary: 'Voids an unsold product key; its row stays as evidence',
    access: ['admin'],
    status: 204,
    checksSession: true,
    input: z.object({ keyId: Id }),
    output: NoOutput,
    problems: [keyNotFound, keyAlreadySold],
  }),
  revealDigitalKey: operation({
    method: 'POST',
    path: '/admin/digital-keys/{keyId}/reveal',
    summary: 'Shows a product key to staff, with a reason that is kept',
    access: ['admin'],
    checksSession: true,
    limitPerMinute: 30,
    input: z.object({ keyId: Id, reason: z.string().min(5).max(500) }),
    output: RevealedKey,
    problems: [keyNotFound],
  }),
  listKeyBatches: operation({
    method: 'GET',
    path: '/admin/key-batches',
    summary: 'Batches of product keys, newest first, with what became of them',
    access: ['admin', 'internal'],
    input: z.object({ variantId: Id.optional(), limit: Limit, cursor: IdCursor }),
    output: page(
      z.object({
        id: Id,
        variantId: Id,
        label: z.string(),
        importedCount: z.int(),
        duplicateCount: z.int(),
        availableCount: z.int(),
        soldCount: z.int(),
        quarantinedCount: z.int(),
        createdBy: z.string(),
        createdAt: Instant,
      }),
    ),
  }),
  updateKeyBatch: operation({
    method: 'PATCH',
    path: '/admin/key-batches/{batchId}',
    summary:
      'Freezes the unsold product keys of a batch, opens them again, or undoes an import of which nothing is sold',
    access: ['admin', 'internal'],
    checksSession: true,
    input: z.object({ batchId: Id, status: z.enum(['frozen', 'open', 'undone']), reason: z.string().min(3).max(300) }),
    output: z.object({ batchId: Id, movedCount: z.int() }),
    problems: [batchNotFound, keyAlreadySold],
  }),
  enterSuppliedCodes: operation({
    method: 'POST',
    path: '/admin/procurements/{procurementId}/codes',
    summary: 'Product keys that a person got for an order by hand; they go to the line that waits for them',
    access: ['admin'],
    checksSession: true,
    input: z.object({ procurementId: Id, codes: z.array(z.string().max(500)).min(1).max(20) }),
    output: z.object({ procurementId: Id, settledCount: z.int(), quantity: z.int() }),
    problems: [procurementNotFound],
  }),
  returnProcurement: operation({
    method: 'POST',
    path: '/admin/procurements/{procurementId}/return',
    summary:
      'Gives a supplier order back while its codes are not fetched; the line that waited for it is given up and refunded',
    access: ['admin'],
    checksSession: true,
    input: z.object({ procurementId: Id, reason: z.string().min(3).max(300) }),
    output: z.object({ procurementId: Id, orderId: Id.nullable() }),
    problems: [procurementNotFound, procurementNotReturnable],
  }),
  setSupplierOffer: operation({
    method: 'PUT',
    path: '/admin/suppliers/{supplier}/offers/{sku}',
    summary: 'Says that a supplier sells a variant, under which product of its own, and what a unit may cost at most',
    access: ['admin', 'internal'],
    checksSession: true,
    input: z.object({
      supplier: SupplierName,
      sku: z.string().max(60),
      productRef: z.string().min(1).max(100),
      /** In cents of the supplier's currency. */
      unitMaxCents: z.int().min(1).max(10_000_000),
      isEnabled: z.boolean().default(true),
      fetchDelaySeconds: z.int().min(0).max(72_000).default(0),
      targetStockCount: z.int().min(0).max(1000).default(0),
      /** The supplier takes orders before the day of release and delivers then. */
      allowsPreOrder: z.boolean().default(false),
    }),
    output: z.object({ variantId: Id, supplier: SupplierName }),
    problems: [skuUnknown, supplierUnknown],
  }),
  listSuppliers: operation({
    method: 'GET',
    path: '/admin/suppliers',
    summary:
      'Suppliers with their balance, their failures of the last 30 minutes, what was ordered today and the ceilings of spending that were reached',
    access: ['admin'],
    input: NoInput,
    output: z.object({
      items: z.array(
        z.object({
          name: SupplierName,
          title: z.string(),
          isEnabled: z.boolean(),
          isUp: z.boolean(),
          cooldownUntil: Instant.nullable(),
          balanceCents: z.int().nullable(),
          balanceAt: Instant.nullable(),
          orderCount: z.int(),
          failedCount: z.int(),
          /** What was ordered since the beginning of the day in Tehran, at the most that it may cost. */
          spentTodayCents: z.int(),
          dayMaxCents: z.int(),
        }),
      ),
      spentTodayCents: z.int(),
      dayMaxCents: z.int(),
      /** Ceilings that were reached in the last seven days, newest first: of a line, of a variant's stock, of a supplier's day, of the day. */
      stops: z.array(
        z.object({
          /** `need:<order line>`, `stock:<variant>`, `supplier:<name>` or `all`. */
          scope: z.string(),
          reason: z.string(),
          supplier: SupplierName,
          variantId: Id,
          spentCents: z.int(),
          wantedCents: z.int(),
          maxCents: z.int(),
          at: Instant,
        }),
      ),
      nextCursor: z.null(),
    }),
  }),
  listSupplierProducts: operation({
    method: 'GET',
    path: '/admin/suppliers/{supplier}/products',
    summary: 'What a supplier sells, page by page, as it tells it now',
    access: ['admin', 'internal'],
    input: z.object({ supplier: SupplierName, cursor: z.string().max(2_000).optional() }),
    output: z.object({
      items: z.array(
        z.object({
          productRef: z.string(),
          name: z.string(),
          platform: z.string(),
          region: z.string(),
          unitPriceCents: z.int(),
          stockCount: z.int(),
        }),
      ),
      nextCursor: z.string().nullable(),
    }),
    problems: [supplierUnknown],
  }),
  listSupplierCalls: operation({
    method: 'GET',
    path: '/admin/suppliers/{supplier}/calls',
    summary: 'Calls to a supplier as they are kept, newest first: without credentials and codes',
    access: ['admin', 'developer'],
    input: z.object({ supplier: SupplierName, limit: Limit, cursor: IdCursor }),
    output: page(SupplierCall),
  }),
  replaySupplierCall: operation({
    method: 'POST',
    path: '/admin/supplier-calls/{callId}/replay',
    summary:
      'Makes a kept call that only reads once more and keeps the new answer beside the old; orders are never repeated',
    access: ['admin', 'developer'],
    checksSession: true,
    limitPerMinute: 20,
    input: z.object({ callId: Id }),
    output: z.object({ was: SupplierCall, now: SupplierCall }),
    problems: [supplierCallNotFound],
  }),
  handleSupplierWebhook: operation({
    method: 'POST',
    path: '/suppliers/webhook/{supplier}',
    summary: 'Where suppliers send their news: a hint to look, believed only after its secret and only that far',
    access: ['public'],
    transport: 'webhook',
    webhookHeaders: ['x-event-secret'],
    status: 204,
    limitPerMinute: 600,
    input: z.object({
      supplier: SupplierName,
      headers: z.record(z.string().max(64), z.string().max(512)),
      body: z.string().max(65_536),
    }),
    output: NoOutput,
    problems: [supplierUnknown, unauthenticated],
  }),
  listProcurements: operation({
    method: 'GET',
    path: '/admin/procurements',
    summary: 'Orders at suppliers, newest first, with what became of them',
    access: ['admin'],
    input: z.object({ status: z.string().max(20).optional(), limit: Limit, cursor: IdCursor }),
    output: page(
      z.object({
        id: Id,
        supplier: SupplierName,
        variantId: Id,
        orderLineId: Id.nullable(),
        quantity: z.int(),
        settledCount: z.int(),
        status: z.string(),
        reason: z.string().nullable(),
        supplierOrderId: z.string().nullable(),
        unitPriceCents: z.int().nullable(),
        createdAt: Instant,
      }),
    ),
  }),
  // Between services.
  reserveStock: operation({
    method: 'POST',
    path: '/internal/inventory/reservations',
    summary: 'Holds units for an order, all lines or none; the same order and round again answers the same hold',
    access: ['internal'],
    input: z.object({
      orderId: Id,
      /** 1 at checkout; each revival of an expired order is a round of its own. */
      round: z.int().min(1),
      expiresAt: Instant,
      lines: z.array(StockLine).min(1).max(50),
    }),
    output: z.object({ reservationId: Id }),
    problems: [stockShort, reservationReleased],
  }),
  releaseStock: operation({
    method: 'POST',
    path: '/internal/inventory/reservations/release',
    summary: 'Gives held units back; before the hold exists it leaves a mark that refuses it. Safe to repeat',
    access: ['internal'],
    input: z.object({ orderId: Id, round: z.int().min(1) }),
    output: NoOutput,
  }),
  withdrawKeys: operation({
    method: 'POST',
    path: '/internal/inventory/withdrawals',
    summary:
      'Takes unseen product keys of an order back to stock, for a refund of them; nothing changes when more than `revealedMax` of the order were seen by its customer',
    access: ['internal'],
    input: z.object({
      orderId: Id,
      /** -1 only counts. */
      revealedMax: z.int().min(-1),
      /** Absent: all that were not seen. */
      keyIds: z.array(Id).max(5_000).optional(),
    }),
    output: z.object({
      /** Seen by the customer. */
      revealedCount: z.int(),
      isWithdrawn: z.boolean(),
      /** Each delivered unit by its last product key: to be seen; seen, by staff too, or topped up; or neither any more (withdrawn, refunded). */
      units: z.array(
        z.object({ keyId: Id, orderLineId: Id, unitNo: z.int(), state: z.enum(['open', 'seen', 'closed']) }),
      ),
    }),
  }),
  fulfillOrder: operation({
    method: 'POST',
    path: '/internal/inventory/fulfillments',
    summary:
      'Binds keys to each unit of a paid order, for ever; repeated, it answers the same keys. What the vault lacks is told as missing',
    access: ['internal'],
    input: z.object({
      orderId: Id,
      customerId: Id,
      round: z.int().min(1),
      lines: z.array(SoldLine).min(1).max(50),
    }),
    output: z.object({
      lines: z.array(
        z.object({
          orderLineId: Id,
          keyIds: z.array(Id),
          missingCount: z.int(),
          /** What becomes of the missing units: they are being bought, nobody sells them in time, or nobody was asked. */
          supply: z.enum(['open', 'failed', 'none']),
        }),
      ),
    }),
  }),
  getStock: operation({
    method: 'GET',
    path: '/internal/inventory/stock',
    summary: 'How many units of each variant can be sold now',
    access: ['internal'],
    input: z.object({ variantIds: z.array(Id).max(500) }),
    output: z.object({
      items: z.array(z.object({ variantId: Id, availableCount: z.int(), reservedCount: z.int(), soldCount: z.int() })),
    }),
  }),
});
