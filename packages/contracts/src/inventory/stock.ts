import { z } from 'zod';
import { AmountRial, Id, Instant, NoOutput, Quantity } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { ShownGameAccount } from '../game-account.ts';
import { listBreachesOf, settleBreachOf } from '../monitoring.ts';

export const stockShort = problem('inventory.stock-short', {
  status: 409,
  title: 'Not enough in stock',
  data: z.object({ variantIds: z.array(z.string()) }),
});
export const reservationReleased = problem('inventory.reservation-released', {
  status: 409,
  title: 'This reservation was released before it was made',
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

export const stockOperations = {
  listStockBreaches: listBreachesOf('inventory'),
  settleStockBreach: settleBreachOf('inventory'),
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
};
