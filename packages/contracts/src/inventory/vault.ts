import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, NoOutput, page } from '../common.ts';
import { operation, problem } from '../contract.ts';

export const KeyStatus = z.enum(['available', 'reserved', 'allocated', 'quarantined', 'expired', 'void']);

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
export const importNotFound = problem('inventory.import-not-found', {
  status: 404,
  title: 'No such import, or it no longer takes lines',
});
export const batchNotFound = problem('inventory.batch-not-found', { status: 404, title: 'No such batch' });

export const ComplaintStatus = z.enum(['open', 'replaced', 'refunded', 'rejected']);
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

export const vaultOperations = {
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
};
