import { z } from 'zod';
import { Id, IdCursor, Instant, Limit, NoInput, NoOutput, page, unauthenticated } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { GameAccount } from '../game-account.ts';
import { skuUnknown } from './vault.ts';

export const gameAccountUnknown = problem('inventory.game-account-unknown', {
  status: 422,
  title: 'The game knows no such account',
  data: z.object({ field: z.string() }),
});
export const supplierCallNotFound = problem('inventory.supplier-call-not-found', {
  status: 404,
  title: 'No such kept call that can be made again',
});
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
/** `due` is yet to be asked; `late` is past the supplier's window. */
export const ClaimStatus = z.enum(['due', 'asked', 'granted', 'refused', 'late']);
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

export const supplyOperations = {
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
};
