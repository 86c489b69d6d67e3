import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type {
  FetchAnswer,
  FindAnswer,
  OrderAnswer,
  Quote,
  SuppliedOrder,
  SuppliedUnit,
  Supplier,
  SupplierCall,
} from './supplier.ts';
import { imageOf } from '../vault/image.rules.ts';
import {
  Amount,
  centsOf,
  createSupplierHttp,
  formatCents,
  longAnswerBytesMax,
  shortText,
  type SupplierAnswer,
} from './supplier-http.ts';

// Kinguin eCommerce API (github.com/kinguinltdhk/Kinguin-eCommerce-API, 2025-07): `price` is a hard maximum, keys come later and are
// counted one by one, codes are downloaded by their own call, and webhooks are only hints.
const Product = z.looseObject({
  productId: z.string(),
  name: z.unknown().optional().transform(shortText),
  platform: z.unknown().optional().transform(shortText),
  regionalLimitations: z.unknown().optional().transform(shortText),
  price: Amount,
  qty: z.int().min(0).catch(0),
  textQty: z.int().min(0).nullish(),
  isPreorder: z.boolean().catch(false),
});
const Order = z.looseObject({
  orderId: z.string().min(1).max(100),
  orderExternalId: z.string().max(200).nullish(),
  status: z.string(),
  createdAt: z.string().max(40).nullish(),
  isPreorder: z.boolean().catch(false),
  // One line for each offer that it chose for us.
  products: z
    .array(
      z.looseObject({
        productId: z.string(),
        qty: z.int().min(1),
        price: Amount,
        keys: z
          .array(z.looseObject({ id: z.union([z.string(), z.int()]).transform(String), status: z.string() }))
          .max(1000)
          .nullish(),
      }),
    )
    .min(1)
    .max(100),
});
const Key = z.looseObject({
  id: z.union([z.string(), z.int()]).transform(String),
  type: z.string(),
  serial: z.string().min(1).max(4_000_000),
});
const Failure = z.looseObject({
  kind: z.string(),
  propertyPath: z.string().nullish(),
  detail: z.string().nullish().catch(null),
});
const pageSize = 100;

export function createKinguin(options: {
  baseUrl: string;
  apiKey: string;
  webhookSecret: string | undefined;
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): Supplier {
  const http = createSupplierHttp({ name: 'kinguin', ...options });
  const headers = { 'x-api-key': options.apiKey };

  async function get(
    path: string,
    signal: AbortSignal | undefined,
    answerBytesMax?: number,
  ): Promise<SupplierAnswer | undefined> {
    const answer = await http.send({ method: 'GET', path, headers, signal, answerBytesMax });
    return answer === 'unsent' ? undefined : answer;
  }

  /** Pages until one is shorter than the limit; undefined when a page could not be read. */
  async function readKeys(
    orderId: string,
    signal: AbortSignal | undefined,
  ): Promise<Map<string, z.output<typeof Key>> | undefined> {
    const keys = new Map<string, z.output<typeof Key>>();
    for (let page = 1; ; page += 1) {
      const answer = await get(
        `/v2/order/${encodeURIComponent(orderId)}/keys?page=${page}&limit=${pageSize}`,
        signal,
        longAnswerBytesMax,
      );
      const parsed = z.array(z.unknown()).safeParse(answer?.body);
      if (answer?.status !== 200 || !parsed.success) return undefined;
      for (const item of parsed.data) {
        const key = Key.safeParse(item);
        if (key.success) keys.set(key.data.id, key.data);
      }
      if (parsed.data.length < pageSize || page >= 20) return keys;
    }
  }

  return {
    name: 'kinguin',
    facts: {
      title: 'Kinguin',
      currency: 'EUR',
      unitsPerOrderMax: 9,
      canFetchLate: true,
      returnHours: 24,
      claimHours: 24,
    },
    isUp: () => http.isUp(),

    async quote(productRef, allowsPreOrder = false, signal?: AbortSignal): Promise<Quote> {
      const answer = await get(`/v2/products/${encodeURIComponent(productRef)}`, signal);
      // Gone and sold out are one answer.
      if (answer?.status === 404) return { kind: 'not-sold' };
      const product = Product.safeParse(answer?.body);
      if (answer?.status !== 200 || !product.success || product.data.productId !== productRef)
        return { kind: 'unknown' };
      if (product.data.isPreorder && !allowsPreOrder) return { kind: 'not-sold' };
      const stockCount = product.data.textQty ?? product.data.qty;
      return { kind: 'offered', unitPriceCents: product.data.price, stockCount };
    },

    async order({ reference, productRef, quantity, unitPriceMaxCents, allowsPreOrder, signal }): Promise<OrderAnswer> {
      const answer = await http.send({
        method: 'POST',
        path: '/v2/order',
        headers,
        json: {
          products: [
            {
              productId: productRef,
              qty: quantity,
              price: formatCents(unitPriceMaxCents),
              // A pre-order is refused with a kind of key.
              ...(allowsPreOrder ? {} : { keyType: 'text' }),
            },
          ],
          orderExternalId: reference,
        },
        timeoutMs: 30_000,
        isWrite: true,
        signal,
      });
      if (answer === 'unsent') return { kind: 'refused', reason: 'busy', supplierCode: 'not sent', isUnsent: true };
      if (answer === undefined || answer.status >= 500) return { kind: 'unknown' };
      if (answer.status < 300) {
        const order = Order.safeParse(answer.body);
        return order.success ? { kind: 'placed', order: showOrder(order.data) } : { kind: 'unknown' };
      }
      const failure = Failure.safeParse(answer.body);
      const kind = failure.success ? failure.data.kind : '';
      if (answer.status === 401 || answer.status === 403 || kind === 'Authorization')
        return { kind: 'refused', reason: 'not-authorised', supplierCode: kind };
      if (answer.retryAfterSeconds) return { kind: 'not-now', retryAfterSeconds: answer.retryAfterSeconds };
      if (kind === 'ResourceLock') return { kind: 'refused', reason: 'busy', supplierCode: kind };
      if (kind === 'ProductUnavailable') return { kind: 'refused', reason: 'out-of-stock', supplierCode: kind };
      if (kind === 'InsufficientBalance') return { kind: 'refused', reason: 'balance-low', supplierCode: kind };
      // Refused for its reference: an order under it is there already, ours.
      const named = `${failure.data?.propertyPath ?? ''} ${failure.data?.detail ?? ''}`;
      if (kind === 'ConstraintViolation' && !/orderExternalId/i.test(named))
        return { kind: 'refused', reason: 'bad-request', supplierCode: kind };
      if (answer.status === 404) return { kind: 'refused', reason: 'out-of-stock', supplierCode: kind };
      // OrderFailed gives no reason, and the rest is not known: it may have been an order.
      return { kind: 'unknown' };
    },

    async find(reference, _since, signal): Promise<FindAnswer> {
      const answer = await get(`/v1/order?orderExternalId=${encodeURIComponent(reference)}&limit=${pageSize}`, signal);
      const page = z.looseObject({ results: z.array(z.unknown()).max(1000) }).safeParse(answer?.body);
      if (answer?.status !== 200 || !page.success) return { kind: 'unknown' };
      const orders: SuppliedOrder[] = [];
      for (const item of page.data.results) {
        const order = Order.safeParse(item);
        if (!order.success) return { kind: 'unknown' };
        if (order.data.orderExternalId === reference) orders.push(showOrder(order.data));
      }
      orders.sort((a, b) => (a.orderedAt ?? '').localeCompare(b.orderedAt ?? ''));
      return orders.length > 0 ? { kind: 'found', orders } : { kind: 'nothing' };
    },

    async fetch(supplierOrderId, withCodes, signal): Promise<FetchAnswer> {
      const answer = await get(`/v1/order/${encodeURIComponent(supplierOrderId)}`, signal);
      const order = Order.safeParse(answer?.body);
      // The keys of another order must never be taken for those of this one.
      if (answer?.status !== 200 || !order.success || order.data.orderId !== supplierOrderId)
        return { kind: 'unknown' };
      const shown = showOrder(order.data);
      // A downloaded key counts as claimed, so nothing is downloaded before it is wanted.
      if (!withCodes || !shown.units.some((unit) => unit.state === 'ready')) return { kind: 'order', order: shown };
      const keys = await readKeys(supplierOrderId, signal);
      if (!keys) return { kind: 'unknown' };
      const units = shown.units.map((unit): SuppliedUnit => {
        const key = unit.state === 'ready' ? keys.get(unit.ref) : undefined;
        if (!key) return unit;
        if (key.type.toLowerCase() === 'text/plain') return { ...unit, code: { kind: 'text', text: key.serial } };
        const image = imageOf(key.serial);
        return image ? { ...unit, code: { kind: 'image', ...image } } : unit;
      });
      return { kind: 'order', order: { ...shown, units } };
    },

    async giveBack(supplierOrderId) {
      const path = `/v2/order/${encodeURIComponent(supplierOrderId)}/keys/return`;
      const answer = await http.send({ method: 'POST', path, headers, isWrite: true });
      if (answer === undefined || answer === 'unsent' || answer.status >= 500) return 'unknown';
      return answer.status < 300 ? 'asked' : 'refused';
    },

    /** Only whole orders are taken back: a good key of it, in a customer's hands, must not go with a bad one. */
    async claim({ supplierOrderId, orderQuantity, claimedCount }) {
      if (claimedCount < orderQuantity) return 'refused';
      return this.giveBack(supplierOrderId);
    },

    async claimOutcome({ supplierOrderId, unitRef }, signal) {
      const answer = await this.fetch(supplierOrderId, false, signal);
      if (answer.kind === 'unknown') return 'unknown';
      const unit = answer.order.units.find(({ ref }) => ref === unitRef);
      return unit?.state === 'returned' ? 'granted' : 'open';
    },

    async replay({ method, path }, signal) {
      let made: SupplierCall | undefined;
      const onCall = (call: SupplierCall) => {
        made = call;
      };
      if (method === 'GET')
        await http.send({ method, path, headers, onCall, signal, answerBytesMax: longAnswerBytesMax });
      return made;
    },

    async balance(signal) {
      const answer = await get('/v1/balance', signal);
      const account = z.looseObject({ balance: Amount }).safeParse(answer?.body);
      return answer?.status === 200 && account.success
        ? { kind: 'known', cents: account.data.balance }
        : { kind: 'unknown' };
    },

    async listProducts(cursor, signal) {
      const page = cursor === null ? 1 : Number(cursor);
      const answer = await get(`/v1/products?page=${page}&limit=${pageSize}`, signal, longAnswerBytesMax);
      const listed = z.looseObject({ results: z.array(z.unknown()).max(1000) }).safeParse(answer?.body);
      if (answer?.status !== 200 || !listed.success) return { kind: 'unknown' };
      return {
        kind: 'page',
        items: listed.data.results.flatMap((item) => {
          const product = Product.safeParse(item);
          if (!product.success) return [];
          const { productId, name, platform, regionalLimitations, price, qty } = product.data;
          return [
            {
              productRef: productId,
              name,
              platform,
              region: regionalLimitations,
              unitPriceCents: price,
              stockCount: qty,
            },
          ];
        }),
        nextCursor: listed.data.results.length < pageSize ? null : String(page + 1),
      };
    },

    readWebhook(received, body) {
      const { webhookSecret } = options;
      const given = received['x-event-secret'];
      if (webhookSecret === undefined || typeof given !== 'string') return undefined;
      const [expected, actual] = [Buffer.from(webhookSecret), Buffer.from(given)];
      if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return undefined;
      const hint = z.looseObject({ orderExternalId: z.uuid().nullish() }).safeParse(body);
      return { reference: (hint.success ? hint.data.orderExternalId : null) ?? null };
    },
  };
}

function showOrder(order: z.output<typeof Order>): SuppliedOrder {
  const lines = order.products;
  const quantity = lines.reduce((sum, line) => sum + line.qty, 0);
  const totalCents = Math.max(centsOf(order['paymentPrice']) ?? 0, centsOf(order['totalPrice']) ?? 0);
  const status = order.status.toLowerCase();
  return {
    supplierOrderId: order.orderId,
    reference: order.orderExternalId ?? null,
    status:
      status === 'completed'
        ? 'complete'
        : status === 'canceled' || status === 'cancelled'
          ? 'cancelled'
          : status === 'refunded'
            ? 'refunded'
            : 'open',
    // An order of several products is not the one that was asked for, whichever comes first.
    productRef: [...new Set(lines.map((line) => line.productId))].join(' '),
    quantity,
    // What was taken from the balance counts too, not only what the lines say.
    unitPriceCents: Math.max(...lines.map((line) => line.price), Math.ceil(totalCents / quantity)),
    totalCents,
    units: lines
      .flatMap((line) => line.keys ?? [])
      .map((key): SuppliedUnit => {
        const state = stateOf(key.status);
        return { ref: key.id, state: state === 'pending' && order.isPreorder ? 'pre-order' : state };
      }),
    orderedAt: order.createdAt ?? null,
  };
}

/** What is not known means: still open, look again. */
function stateOf(status: string): SuppliedUnit['state'] {
  switch (status.toUpperCase()) {
    case 'DELIVERED':
      return 'ready';
    case 'RETURNED':
    case 'REFUNDED':
      return 'returned';
    case 'CANCELED':
    case 'CANCELLED':
      return 'cancelled';
    default:
      return 'pending';
  }
}
