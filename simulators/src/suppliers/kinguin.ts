import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Fault, Faults } from '../faults.ts';
import { catalogue, kinguinProductId } from './catalogue.ts';
import { interrupted, oddOrder, refusedOrder, supplierFaultModes, unreadable } from './fault-modes.ts';
import {
  badQuery,
  isStruck,
  orderNotFound,
  refusal,
  type Refusal,
  refuse,
  seconds,
  violation,
} from './kinguin-refusal.ts';
import { createKinguinWebhook, type WebhookTarget } from './kinguin-webhook.ts';
import { Stock, type StockLine, type StockOrder, type StockProduct, type WantedLine } from './stock.ts';
import { sendAnswer } from './supplier-answer.ts';

// Kinguin's eCommerce API: an X-Api-Key, `price` as the hard maximum of a line, keys that come after the order, webhooks as hints. The HTTP
// status of some kinds is in no document; 400 is what the old table had.

const keysAfterMs = 300;
const Line = {
  qty: z.int().min(1).max(9, 'The value must be lower than or equal 9.'),
  price: z.number().min(0),
  keyType: z.literal('text').optional(),
  offerId: z.string().optional(),
};
const linesMax = 10;
const OrderBody = {
  v1: z.looseObject({
    products: z
      .array(z.looseObject({ kinguinId: z.int(), ...Line }))
      .min(1)
      .max(linesMax),
    orderExternalId: z.string().max(255).optional(),
  }),
  v2: z.looseObject({
    products: z
      .array(z.looseObject({ productId: z.string(), ...Line }))
      .min(1)
      .max(linesMax),
    orderExternalId: z.string().max(255).optional(),
  }),
};
interface Order {
  lines: {
    product: StockProduct | undefined;
    qty: number;
    price: number;
    hasKeyType: boolean;
    offerId: string | undefined;
  }[];
  orderExternalId: string | undefined;
}
const regions: Record<string, { id: number; name: string }> = {
  EU: { id: 1, name: 'Europe' },
  US: { id: 2, name: 'United States' },
  WORLDWIDE: { id: 3, name: 'Region free' },
  GB: { id: 8, name: 'United Kingdom' },
};
const statuses = { open: 'processing', completed: 'completed', cancelled: 'canceled', refunded: 'refunded' };
type Query = Record<string, string | undefined>;

export interface Kinguin {
  stock: Stock;
  aimWebhook(target: WebhookTarget | undefined): void;
  register(server: FastifyInstance): void;
  close(): void;
}

export function createKinguin(faults: Faults, webhookTarget: WebhookTarget | undefined): Kinguin {
  const stock = new Stock(() =>
    [...randomBytes(11)].map((byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'[byte % 36] ?? 'A').join(''),
  );
  const webhook = createKinguinWebhook(faults);
  webhook.aim(webhookTarget);
  stock.onChange = (order) => void webhook.tell(order, statuses[order.status]);
  for (const { name, platform, region, isPreOrder, kinguin } of catalogue)
    stock.setProduct({ ref: kinguinProductId(name), name, platform, region, isPreOrder, ...kinguin });

  const findByNumber = (kinguinId: number) =>
    [...stock.products.values()].find((product) => kinguinIdOf(product.ref) === kinguinId);

  /** What the order would buy, or why it is refused. */
  function check(order: Order, isRepeatTaken: boolean): { lines: WantedLine[]; isPreOrder: boolean } | Refusal {
    const { orderExternalId } = order;
    if (
      orderExternalId !== undefined &&
      !isRepeatTaken &&
      [...stock.orders.values()].some(({ reference }) => reference === orderExternalId)
    )
      // "The value should be unique" is all that is documented.
      return refusal(400, 'ConstraintViolation', 'Invalid "orderExternalId" property. This value is already used.', {
        propertyPath: 'orderExternalId',
        invalidValue: orderExternalId,
      });
    const lines: WantedLine[] = [];
    for (const { product, qty, price, offerId } of order.lines) {
      const requestPriceCents = Math.round(price * 100);
      const isOffered =
        product !== undefined &&
        (product.isPreOrder || product.stockCount >= qty) &&
        product.priceCents <= requestPriceCents &&
        (offerId === undefined || offerId === offerIdOf(product.ref));
      if (!isOffered) return refusal(400, 'ProductUnavailable', 'The product is unavailable at the given price.');
      lines.push({ product, quantity: qty, requestPriceCents, unitPriceCents: product.priceCents });
    }
    const isPreOrder = lines.some(({ product }) => product.isPreOrder);
    if (isPreOrder && (lines.length > 1 || order.lines.some(({ hasKeyType }) => hasKeyType)))
      return refusal(400, 'Preorder', 'Only one pre-order without a key type can be bought in one order.');
    const totalCents = lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
    if (totalCents > stock.balanceCents)
      return refusal(400, 'InsufficientBalance', 'There are not enough funds to place order.');
    return { lines, isPreOrder };
  }

  function register(server: FastifyInstance): void {
    void server.register(
      async (api) => {
        api.addHook('onRequest', async (request, reply) => {
          const key = request.headers['x-api-key'];
          if (typeof key === 'string' && key !== '' && !key.startsWith('wrong')) return undefined;
          return refuse(request, reply, refusal(401, 'Authorization', 'Bad authorization credentials.'));
        });
        registerProducts(api);
        registerOrders(api);
        registerKeys(api);
        api.get('/v1/balance', async () => ({ balance: stock.balanceCents / 100 }));
      },
      { prefix: '/kinguin/esa/api' },
    );
  }

  function registerProducts(api: FastifyInstance): void {
    api.get<{ Querystring: Query }>('/v1/products', async (request, reply) => {
      const mode = await faults.strike('kinguin.products', supplierFaultModes['kinguin.products']);
      if (isStruck(request, reply, mode)) return reply;
      const page = readPage(request.query);
      const { name, platform, kinguinId, productId, regionId, isPreorder, updatedSince, updatedTo } = request.query;
      if (!page) return refuse(request, reply, badQuery('limit'));
      if (name !== undefined && name.length < 3) return refuse(request, reply, badQuery('name'));
      const isIn = (list: string | undefined, value: string) =>
        list === undefined || list.toLowerCase().split(',').includes(value.toLowerCase());
      const wanted = [...stock.products.values()].filter(
        (product) =>
          (name === undefined || product.name.toLowerCase().includes(name.toLowerCase())) &&
          isIn(platform, product.platform) &&
          isIn(kinguinId, String(kinguinIdOf(product.ref))) &&
          isIn(productId, product.ref) &&
          isIn(regionId, String(regionOf(product).id)) &&
          isIn(isPreorder, product.isPreOrder ? 'yes' : 'no') &&
          !(product.updatedAt < readDate(updatedSince)) &&
          !(product.updatedAt > readDate(updatedTo)),
      );
      const sign = request.query['sortType'] === 'desc' ? -1 : 1;
      const sorted =
        request.query['sortBy'] === 'updatedAt'
          ? wanted.toSorted((a, b) => sign * (a.updatedAt.getTime() - b.updatedAt.getTime()))
          : wanted.toSorted((a, b) => sign * (kinguinIdOf(a.ref) - kinguinIdOf(b.ref)));
      return sendAnswer(reply, mode, 200, {
        results: cut(sorted, page).map((product) => showProduct(product, mode)),
        item_count: wanted.length,
      });
    });

    const getProduct = async (request: FastifyRequest, reply: FastifyReply, product: StockProduct | undefined) => {
      const mode = await faults.strike('kinguin.products', supplierFaultModes['kinguin.products']);
      if (isStruck(request, reply, mode)) return reply;
      // Sold out answers as if it had never been there.
      if (!product || product.stockCount === 0 || mode === 'sold-out-404' || mode === 'out-of-stock')
        return refuse(request, reply, refusal(404, 'ProductUnavailable', 'Product not found.'));
      return sendAnswer(reply, mode, 200, showProduct(product, mode));
    };
    api.get<{ Params: { id: string } }>('/v1/products/:id', async (request, reply) =>
      getProduct(request, reply, findByNumber(Number(request.params.id))),
    );
    api.get<{ Params: { id: string } }>('/v2/products/:id', async (request, reply) =>
      getProduct(request, reply, stock.products.get(request.params.id)),
    );
  }

  function registerOrders(api: FastifyInstance): void {
    const placeOrder = async (
      request: FastifyRequest,
      reply: FastifyReply,
      read: () => z.ZodSafeParseResult<Order>,
    ): Promise<FastifyReply> => {
      const mode = await faults.strike('kinguin.order', [...interrupted, ...refusedOrder]);
      if (isStruck(request, reply, mode)) return reply;
      if (mode === 'error-422')
        return refuse(request, reply, refusal(422, 'OrderFailed', 'problem with placing order', { retryable: false }));
      if (mode === 'out-of-stock')
        return refuse(request, reply, refusal(400, 'ProductUnavailable', 'The product is unavailable.'));
      if (mode === 'sold-out-404')
        return refuse(request, reply, refusal(404, 'ProductUnavailable', 'Product not found.'));
      if (mode === 'balance-empty')
        return refuse(
          request,
          reply,
          refusal(400, 'InsufficientBalance', 'There are not enough funds to place order.'),
        );
      const order = read();
      if (!order.success) return refuse(request, reply, violation(order.error));
      const isRepeatTaken = faults.list()['kinguin.order']?.mode === 'duplicate';
      const first = check(order.data, isRepeatTaken);
      if ('refused' in first) return refuse(request, reply, first);
      // What goes wrong after the order waits for one that is taken. From the second look on nothing waits: no unit is sold twice.
      const fault = await faults.take('kinguin.order', [...unreadable, ...oddOrder]);
      const checked = check(order.data, isRepeatTaken);
      if ('refused' in checked) return refuse(request, reply, checked);
      const wanted = { reference: order.data.orderExternalId, lines: checked.lines };
      const readyAfterMs = checked.isPreOrder ? undefined : keysAfterMs;
      const placed = stock.place(wanted, fault, readyAfterMs);
      stock.onChange(placed);
      if (fault?.mode === 'refused-taken')
        return refuse(request, reply, refusal(400, 'ProductUnavailable', 'The product is unavailable.'));
      if (fault?.mode === 'duplicate') stock.onChange(stock.place(wanted, fault, readyAfterMs));
      return sendAnswer(reply, fault?.mode, 201, showOrder(placed));
    };
    api.post('/v1/order', (request, reply) => placeOrder(request, reply, () => readOrder(request.body, 'v1')));
    api.post('/v2/order', (request, reply) => placeOrder(request, reply, () => readOrder(request.body, 'v2')));

    api.get<{ Querystring: Query }>('/v1/order', async (request, reply) => {
      const mode = await faults.strike('kinguin.find', supplierFaultModes['kinguin.find']);
      if (isStruck(request, reply, mode)) return reply;
      const page = readPage(request.query);
      if (!page) return refuse(request, reply, badQuery('limit'));
      const { orderId, orderExternalId, status, isPreorder, kinguinId, productId } = request.query;
      const { createdAtFrom, createdAtTo } = request.query;
      const is = (wanted: string | undefined, value: string | undefined) => wanted === undefined || wanted === value;
      const found = [...stock.orders.values()].filter(
        (order) =>
          mode !== 'hidden' &&
          order.findableFromMs <= Date.now() &&
          is(orderId, order.id) &&
          is(orderExternalId, order.reference) &&
          is(status, statuses[order.status]) &&
          is(isPreorder, order.isPreOrder ? 'yes' : 'no') &&
          order.lines.some((line) => is(productId, line.answeredRef)) &&
          order.lines.some((line) => is(kinguinId, String(kinguinIdOf(line.answeredRef)))) &&
          !(order.orderedAt < readDate(createdAtFrom)) &&
          !(order.orderedAt > readDate(createdAtTo)),
      );
      return sendAnswer(reply, mode === 'hidden' ? undefined : mode, 200, {
        results: cut(found.toReversed(), page).map(showOrder),
        item_count: found.length,
      });
    });

    api.get<{ Params: { orderId: string } }>('/v1/order/:orderId', async (request, reply) => {
      const mode = await faults.strike('kinguin.find', [...interrupted, ...unreadable]);
      if (isStruck(request, reply, mode)) return reply;
      const order = stock.orders.get(request.params.orderId);
      if (!order) return refuse(request, reply, orderNotFound(request.params.orderId));
      return sendAnswer(reply, mode, 200, showOrder(order));
    });
  }

  function registerKeys(api: FastifyInstance): void {
    api.get<{ Params: { orderId: string }; Querystring: Query }>('/v2/order/:orderId/keys', async (request, reply) => {
      const mode = await faults.strike('kinguin.keys', supplierFaultModes['kinguin.keys']);
      if (isStruck(request, reply, mode)) return reply;
      const order = stock.orders.get(request.params.orderId);
      const page = readPage(request.query);
      if (!order || mode === 'sold-out-404') return refuse(request, reply, orderNotFound(request.params.orderId));
      if (!page) return refuse(request, reply, badQuery('limit'));
      const ready = order.lines.flatMap((line) =>
        line.units.filter(({ state }) => state === 'ready').map((unit) => ({ line, unit })),
      );
      const shown = mode === 'late' ? [] : cut(ready, page);
      if (mode === 'duplicate-code') stock.repeatCode(shown.map(({ unit }) => unit));
      for (const { unit } of shown) unit.isClaimed = true;
      return sendAnswer(
        reply,
        mode,
        200,
        shown.map(({ line, unit }) => {
          const ref = mode === 'wrong-product' ? stock.otherRef(line.answeredRef) : line.answeredRef;
          return {
            id: unit.id,
            name: line.product.name,
            type: unit.contentType,
            serial: unit.serial,
            kinguinId: kinguinIdOf(ref),
            offerId: offerIdOf(ref),
            productId: ref,
          };
        }),
      );
    });

    api.post<{ Params: { orderId: string } }>('/v2/order/:orderId/keys/return', async (request, reply) => {
      const mode = await faults.strike('kinguin.keys', [...interrupted, ...unreadable]);
      if (isStruck(request, reply, mode)) return reply;
      const order = stock.orders.get(request.params.orderId);
      if (!order) return refuse(request, reply, orderNotFound(request.params.orderId));
      const units = stock.giveBack(order, keysAfterMs);
      if (units.length === 0)
        return refuse(request, reply, refusal(400, 'NoKeysToReturn', 'There are no keys to return.'));
      // The answer still says what they were: what became of them is asked for later.
      return sendAnswer(
        reply,
        mode,
        200,
        units.map(({ id }) => ({ id, status: 'DELIVERED' })),
      );
    });
  }

  function readOrder(body: unknown, version: 'v1' | 'v2'): z.ZodSafeParseResult<Order> {
    const parsed =
      version === 'v1'
        ? OrderBody.v1.transform(({ products, orderExternalId }) => ({
            orderExternalId,
            lines: products.map((line) => ({ ...lineOf(line), product: findByNumber(line.kinguinId) })),
          }))
        : OrderBody.v2.transform(({ products, orderExternalId }) => ({
            orderExternalId,
            lines: products.map((line) => ({ ...lineOf(line), product: stock.products.get(line.productId) })),
          }));
    return parsed.safeParse(body);
  }

  function showProduct(product: StockProduct, mode: Fault['mode'] | undefined) {
    const ref = mode === 'wrong-product' ? stock.otherRef(product.ref) : product.ref;
    const offerId = offerIdOf(ref);
    const price = (product.priceCents * (mode === 'price-jump' ? 10 : 1)) / 100;
    const qty = mode === 'out-of-stock' ? 0 : product.stockCount;
    const { isPreOrder: isPreorder, name } = product;
    const region = regionOf(product);
    return {
      name,
      originalName: name,
      platform: product.platform,
      genres: ['Action'],
      releaseDate: '2024-01-01',
      qty,
      textQty: qty,
      totalQty: qty,
      price,
      cheapestOfferId: [offerId],
      isPreorder,
      regionalLimitations: region.name,
      regionId: region.id,
      countryLimitation: [],
      kinguinId: kinguinIdOf(ref),
      productId: ref,
      tags: ['base'],
      languages: ['English'],
      activationDetails: 'Open your account&#39;s redeem page\r\n\r\nEnter the code',
      offers: [
        {
          name,
          offerId,
          price,
          qty,
          textQty: qty,
          availableQty: qty,
          availableTextQty: qty,
          merchantName: 'KinguinHK',
          isPreorder,
          releaseDate: '2024-01-01',
          wholesale: { enabled: false, tiers: [] },
        },
      ],
      offersCount: 1,
      merchantName: ['KinguinHK'],
      updatedAt: seconds(product.updatedAt),
    };
  }

  function showOrder(order: StockOrder) {
    const totalPrice = stock.totalCents(order) / 100;
    const requestCents = order.lines.reduce((sum, line) => sum + line.requestPriceCents * line.quantity, 0);
    return {
      orderId: order.id,
      ...(order.reference === undefined ? {} : { orderExternalId: order.reference }),
      kinguinOrderId: order.number,
      status: statuses[order.status],
      totalPrice,
      requestTotalPrice: requestCents / 100,
      paymentPrice: totalPrice,
      totalQty: order.lines.reduce((sum, line) => sum + line.quantity, 0),
      storeId: 1,
      userEmail: 'suppliers@kelid.example',
      createdAt: seconds(order.orderedAt),
      isPreorder: order.isPreOrder,
      ...(order.isPreOrder ? { preorderReleaseDate: '2027-03-01' } : {}),
      products: order.lines.map((line) => showLine(line, order.isPreOrder)),
    };
  }

  return {
    stock,
    aimWebhook: (target) => webhook.aim(target),
    register,
    close: () => {
      webhook.close();
      stock.close();
    },
  };
}

function showLine(line: StockLine, isPreorder: boolean) {
  const keyStatuses = {
    pending: 'PENDING',
    'pre-order': 'PENDING',
    ready: 'DELIVERED',
    returned: 'RETURNED',
    refunded: 'REFUNDED',
    cancelled: 'CANCELED',
  };
  return {
    kinguinId: kinguinIdOf(line.answeredRef),
    productId: line.answeredRef,
    offerId: offerIdOf(line.answeredRef),
    qty: line.quantity,
    name: line.product.name,
    price: line.unitPriceCents / 100,
    totalPrice: (line.unitPriceCents * line.quantity) / 100,
    requestPrice: line.requestPriceCents / 100,
    isPreorder,
    releaseDate: isPreorder ? '2027-03-01' : '2024-01-01',
    keyType: 'text',
    keys: line.units.map(({ id, state }) => ({ id, status: keyStatuses[state] })),
  };
}

function lineOf(line: { qty: number; price: number; keyType?: 'text' | undefined; offerId?: string | undefined }) {
  return { qty: line.qty, price: line.price, hasKeyType: line.keyType !== undefined, offerId: line.offerId };
}

function regionOf({ region }: StockProduct): { id: number; name: string } {
  return regions[region] ?? { id: 4, name: 'Other' };
}

function kinguinIdOf(ref: string): number {
  return Number.parseInt(createHash('sha256').update(ref).digest('hex').slice(0, 7), 16) + 1;
}

function offerIdOf(ref: string): string {
  return createHash('sha256').update(`offer-${ref}`).digest('hex').slice(0, 24);
}

function readPage(query: Query): { start: number; limit: number } | undefined {
  const page = z.coerce.number().int().min(1).default(1).safeParse(query['page']);
  const limit = z.coerce.number().int().min(1).max(100).default(25).safeParse(query['limit']);
  return page.success && limit.success ? { start: (page.data - 1) * limit.data, limit: limit.data } : undefined;
}

function cut<Item>(items: Item[], { start, limit }: { start: number; limit: number }): Item[] {
  return items.slice(start, start + limit);
}

/** An invalid date when there is none: no comparison with it holds. */
function readDate(text: string | undefined): Date {
  return new Date(text ?? Number.NaN);
}
