import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { OutsideRequest } from '@kelid/service/outside-http';
import type { FetchAnswer, FindAnswer, OrderAnswer, Quote, SuppliedOrder, Supplier, SupplierCall } from './supplier.ts';
import { Amount, centsOf, createSupplierHttp, formatCents, shortText, type SupplierAnswer } from './supplier-http.ts';

// MooGold reseller API (doc.moogold.com): direct top-ups to a player's account. Every call is a POST whose body names its own path, with
// Basic credentials and an HMAC-SHA256 of body + time + path. A refusal is `{ err_code, err_message }`, often in an HTTP 200. What the
// answer of an order lacks (price, product) is read by a second call; where even that does not tell it, it counts as not told.
const Failure = z.looseObject({ err_code: z.union([z.int(), z.string()]).transform(String), err_message: z.unknown() });
const Id = z.union([z.int(), z.string().min(1).max(40)]).transform(String);
const Product = z.looseObject({
  Product_Name: z.unknown().transform(shortText),
  Variation: z
    .array(
      z.looseObject({ variation_id: Id, variation_name: z.unknown().transform(shortText), variation_price: Amount }),
    )
    .max(500),
  /** The names of the account's fields in an order, such as `User ID` and `Server`; their wording differs by game. */
  fields: z
    .array(z.union([z.string(), z.looseObject({ field: z.string() }).transform(({ field }) => field)]))
    .max(10)
    .catch([]),
});
const Order = z.looseObject({
  order_id: Id,
  order_status: z.string(),
  date_created: z.unknown(),
  item: z
    .array(
      z.looseObject({
        quantity: z.coerce.number().int().min(1),
        price: Amount,
        variation_id: Id.nullish(),
        player_id: Id.nullish(),
        server_id: Id.nullish(),
      }),
    )
    .min(1)
    .max(50),
});
const Placed = z.looseObject({
  status: z.union([z.literal(true), z.literal('true')]),
  account_details: z.looseObject({ order_id: Id }),
});
/** Their category of direct top-ups; the other one is vouchers. */
const topUpCategory = '1';
const playerField = /user|player|account|uid|\bid\b/i;
const zoneField = /server|zone/i;

type Account = { playerId: string; zone: string | null };

export function createMooGold(options: {
  baseUrl: string;
  partnerId: string;
  secretKey: string;
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): Supplier {
  const http = createSupplierHttp({ name: 'moogold', ...options });

  async function post(
    path: string,
    more: Record<string, unknown>,
    extra: Pick<OutsideRequest, 'isWrite' | 'onCall' | 'signal'> & { timeoutMs?: number } = {},
  ): Promise<SupplierAnswer | 'unsent' | undefined> {
    const json = { path, ...more };
    const timestamp = String(Math.floor(Date.now() / 1000));
    const auth = createHmac('sha256', options.secretKey)
      .update(JSON.stringify(json) + timestamp + path)
      .digest('hex');
    const basic = Buffer.from(`${options.partnerId}:${options.secretKey}`).toString('base64');
    return http.send({
      method: 'POST',
      path: `/${path}`,
      headers: { timestamp, auth, authorization: `Basic ${basic}` },
      json,
      ...extra,
    });
  }

  /** Undefined for no answer; `refused` with its code for a refusal. */
  async function ask(path: string, more: Record<string, unknown>, signal?: AbortSignal) {
    const answer = await post(path, more, { signal });
    if (typeof answer !== 'object' || answer.status >= 500) return undefined;
    const failure = Failure.safeParse(answer.body);
    if (failure.success) return { refused: failure.data.err_code, why: shortText(failure.data.err_message) };
    return answer.status === 200 ? { body: answer.body } : undefined;
  }

  async function readProduct(productRef: string, signal?: AbortSignal) {
    const [productId = '', variationId = ''] = productRef.split('/');
    const answer = await ask('product/product_detail', { product_id: productId }, signal);
    if (answer?.refused !== undefined) return isGone(answer) ? ('not-sold' as const) : undefined;
    const product = Product.safeParse(answer?.body);
    if (!product.success) return undefined;
    const variation = product.data.Variation.find((candidate) => candidate.variation_id === variationId);
    if (!variation) return 'not-sold' as const;
    return { variation, fields: product.data.fields };
  }

  /** The account under the names that this game's product gives its fields. */
  function fieldsOf(fields: string[], { playerId, zone }: Account): Record<string, string> {
    const zoneName = fields.find((name) => zoneField.test(name)) ?? 'Server';
    const playerName = fields.find((name) => playerField.test(name) && !zoneField.test(name)) ?? 'User ID';
    return { [playerName]: playerId, ...(zone === null ? {} : { [zoneName]: zone }) };
  }

  async function readOrder(more: { partner_order_id: string } | { order_id: string }, signal?: AbortSignal) {
    const path = 'partner_order_id' in more ? 'order/order_detail_partner_id' : 'order/order_detail';
    const answer = await ask(path, more, signal);
    if (answer?.refused !== undefined) return isGone(answer) ? ('nothing' as const) : undefined;
    const order = Order.safeParse(answer?.body);
    return order.success ? order.data : undefined;
  }

  return {
    name: 'moogold',
    facts: {
      title: 'MooGold',
      currency: 'USD',
      // One unit an order: each arrives, fails and is paid back by itself.
      unitsPerOrderMax: 1,
      canFetchLate: false,
      returnHours: 0,
      claimHours: 0,
    },
    isUp: () => http.isUp(),

    async quote(productRef, _allowsPreOrder, signal): Promise<Quote> {
      const product = await readProduct(productRef, signal);
      if (product === undefined) return { kind: 'unknown' };
      if (product === 'not-sold') return { kind: 'not-sold' };
      // No stock is told: a top-up is made when it is ordered.
      return { kind: 'offered', unitPriceCents: product.variation.variation_price, stockCount: 1_000 };
    },

    async order({ reference, productRef, quantity, unitPriceMaxCents, gameAccount, signal }): Promise<OrderAnswer> {
      if (!gameAccount) return { kind: 'refused', reason: 'bad-request', supplierCode: 'no account', isUnsent: true };
      const product = await readProduct(productRef, signal);
      if (product === undefined) return { kind: 'refused', reason: 'busy', supplierCode: 'no price', isUnsent: true };
      if (product === 'not-sold')
        return { kind: 'refused', reason: 'out-of-stock', supplierCode: 'not sold', isUnsent: true };
      // Their order takes no maximum: the price of this moment is looked at here, and the order's own when it is read.
      const unitPriceCents = product.variation.variation_price;
      if (unitPriceCents > unitPriceMaxCents)
        return {
          kind: 'refused',
          reason: 'price-moved',
          supplierCode: formatCents(unitPriceCents).toString(),
          isUnsent: true,
        };
      const answer = await post(
        'order/create_order',
        {
          data: {
            category: topUpCategory,
            'product-id': product.variation.variation_id,
            quantity: String(quantity),
            ...fieldsOf(product.fields, gameAccount),
          },
          partnerOrderId: reference,
        },
        { timeoutMs: 30_000, isWrite: true, signal },
      );
      if (answer === 'unsent') return { kind: 'refused', reason: 'busy', supplierCode: 'not sent', isUnsent: true };
      if (answer === undefined || answer.status >= 500) return { kind: 'unknown' };
      if (answer.retryAfterSeconds) return { kind: 'not-now', retryAfterSeconds: answer.retryAfterSeconds };
      const failure = Failure.safeParse(answer.body);
      if (failure.success) {
        const why = shortText(failure.data.err_message);
        const reason = refusals.find(([pattern]) => pattern.test(why))?.[1];
        // A refusal without a known reason may still have been an order.
        return reason ? { kind: 'refused', reason, supplierCode: failure.data.err_code } : { kind: 'unknown' };
      }
      const placed = Placed.safeParse(answer.body);
      if (!placed.success) return { kind: 'unknown' };
      const order = await readOrder({ partner_order_id: reference });
      if (typeof order === 'object') return { kind: 'placed', order: showOrder(order, reference) };
      const supplierOrderId = placed.data.account_details.order_id;
      const units = [{ ref: supplierOrderId, state: 'pending' as const }];
      return {
        kind: 'placed',
        order: {
          supplierOrderId,
          reference,
          status: 'open',
          productRef: null,
          quantity,
          unitPriceCents,
          units,
          orderedAt: null,
        },
      };
    },

    async find(reference, _since, signal): Promise<FindAnswer> {
      const order = await readOrder({ partner_order_id: reference }, signal);
      if (order === undefined) return { kind: 'unknown' };
      return order === 'nothing' ? { kind: 'nothing' } : { kind: 'found', orders: [showOrder(order, reference)] };
    },

    async fetch(supplierOrderId, _withCodes, signal): Promise<FetchAnswer> {
      const order = await readOrder({ order_id: supplierOrderId }, signal);
      if (typeof order !== 'object' || order.order_id !== supplierOrderId) return { kind: 'unknown' };
      return { kind: 'order', order: showOrder(order, null) };
    },

    giveBack: () => Promise.resolve('refused'),

    async checkGameAccount(productRef, account, signal) {
      const product = await readProduct(productRef, signal);
      if (typeof product !== 'object') return { kind: 'unknown' };
      const data = { 'product-id': product.variation.variation_id, ...fieldsOf(product.fields, account) };
      const answer = await ask('product/validate', { data }, signal);
      const validated = z
        .looseObject({ status: z.union([z.boolean(), z.string()]), username: z.string().min(1).max(200).nullish() })
        .safeParse(answer?.body);
      if (!validated.success) return { kind: 'unknown' };
      if (String(validated.data.status).toLowerCase() === 'false') return { kind: 'not-found' };
      const { username } = validated.data;
      return username ? { kind: 'found', nickname: shortText(username) } : { kind: 'unknown' };
    },

    async replay({ method, path, request }, signal) {
      let made: SupplierCall | undefined;
      const onCall = (call: SupplierCall) => {
        made = call;
      };
      const name = path.slice(1);
      const kept = z.looseObject({ path: z.string() }).safeParse(JSON.parse(request ?? 'null'));
      // What was left out of the kept call (an account) cannot be asked about again.
      if (method !== 'POST' || !readPaths.has(name) || !kept.success || request?.includes('"…"')) return undefined;
      const { path: _path, ...more } = kept.data;
      await post(name, more, { onCall, signal });
      return made;
    },

    async balance(signal) {
      const answer = await ask('user/balance', {}, signal);
      const account = z.looseObject({ balance: Amount, currency: z.literal('USD') }).safeParse(answer?.body);
      return account.success ? { kind: 'known', cents: account.data.balance } : { kind: 'unknown' };
    },

    /** Page by page: the products of their top-up category, each with its variations. */
    async listProducts(cursor, signal) {
      const listed = await ask('product/list_product', { category_id: gameCategory }, signal);
      const products = z
        .array(z.looseObject({ ID: Id }))
        .max(5_000)
        .safeParse(listed?.body);
      if (!products.success) return { kind: 'unknown' };
      const at = cursor === null ? 0 : Number(cursor);
      const productId = products.data[at]?.ID;
      if (productId === undefined) return { kind: 'page', items: [], nextCursor: null };
      const answer = await ask('product/product_detail', { product_id: productId }, signal);
      const product = Product.safeParse(answer?.body);
      const items = product.success
        ? product.data.Variation.map((variation) => ({
            productRef: `${productId}/${variation.variation_id}`,
            name: variation.variation_name,
            platform: 'mobile',
            region: 'GLOBAL',
            unitPriceCents: variation.variation_price,
            stockCount: 1_000,
          }))
        : [];
      return { kind: 'page', items, nextCursor: at + 1 < products.data.length ? String(at + 1) : null };
    },
  };
}

/** The id of their category "Mobile Game & PC Game", whose products are topped up directly. */
const gameCategory = 50;
const readPaths = new Set([
  'product/product_detail',
  'product/list_product',
  'order/order_detail',
  'order/order_detail_partner_id',
  'user/balance',
]);
const refusals: [RegExp, Extract<OrderAnswer, { kind: 'refused' }>['reason']][] = [
  [/balance|insufficient/i, 'balance-low'],
  [/out of stock|not available|no longer/i, 'out-of-stock'],
  [/signature|unauthori[sz]ed|credential|whitelist/i, 'not-authorised'],
  [/invalid (?:user|player|server|product)|missing/i, 'bad-request'],
  [/too many|rate limit/i, 'busy'],
];

function isGone({ refused, why }: { refused: string; why: string }): boolean {
  return refused === '404' || /not found|no (?:such )?order|does not exist/i.test(why);
}

function showOrder(order: z.output<typeof Order>, reference: string | null): SuppliedOrder {
  const [item] = order.item;
  const status = order.order_status.toLowerCase();
  // `incorrect-details`: the game refused the account; they pay back as for any refund.
  const isReturned = status === 'refunded' || status === 'incorrect-details' || status === 'cancelled';
  const state = status === 'completed' ? 'ready' : isReturned ? 'returned' : 'pending';
  const text = `moogold-${order.order_id}`;
  const zone = item?.server_id ?? null;
  return {
    supplierOrderId: order.order_id,
    reference,
    status: status === 'completed' ? 'complete' : isReturned ? 'refunded' : 'open',
    productRef: null,
    quantity: order.item.reduce((sum, line) => sum + line.quantity, 0),
    unitPriceCents: Math.max(...order.item.map((line) => line.price)),
    totalCents: centsOf(order['total']) ?? 0,
    units: [{ ref: order.order_id, state, ...(state === 'ready' ? { code: { kind: 'receipt', text } } : {}) }],
    orderedAt: null,
    ...(item?.player_id ? { gameAccount: { playerId: item.player_id, zone } } : {}),
  };
}
