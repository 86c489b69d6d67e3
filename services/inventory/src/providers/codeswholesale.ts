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
import { centsOf, createSupplierHttp, formatCents, imageOf, shortText, type SupplierAnswer } from './supplier-http.ts';

// CodesWholesale API v3 (their reference "official API 3.0" of 2025-07). Traps of it: our reference goes out as `orderId` and comes
// back as `clientOrderId`; pre-orders are bought unless `allowPreOrder` is false; a repeated reference buys again.
const Token = z.union([
  z.looseObject({ access_token: z.string(), expires_in: z.coerce.number() }).transform((token) => ({
    text: token.access_token,
    seconds: token.expires_in,
  })),
  z.looseObject({ value: z.string(), expiresIn: z.coerce.number() }).transform((token) => ({
    text: token.value,
    seconds: token.expiresIn,
  })),
]);
const Amount = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const cents = centsOf(value);
  if (cents !== undefined) return cents;
  ctx.addIssue('not an amount');
  return z.NEVER;
});
const Product = z.looseObject({
  productId: z.string().max(100),
  name: z.unknown().optional().transform(shortText),
  platform: z.unknown().optional().transform(shortText),
  regions: z.array(z.string()).max(100).catch([]),
  quantity: z.int().min(0),
  prices: z.array(z.looseObject({ value: Amount, from: z.int().nullish(), to: z.int().nullish() })).max(50),
});
const Code = z.looseObject({
  codeId: z.string().min(1).max(100),
  codeType: z.string(),
  code: z.string().max(4_000_000).nullish(),
});
const Order = z.looseObject({
  orderId: z.string().min(1).max(100),
  clientOrderId: z.string().max(200).nullish(),
  status: z.string(),
  createdOn: z.string().max(40).nullish(),
  products: z
    .array(z.looseObject({ productId: z.string(), unitPrice: Amount, codes: z.array(Code).max(1000).nullish() }))
    .length(1),
});
const History = z.looseObject({
  items: z.array(z.looseObject({ orderId: z.string(), clientOrderId: z.string().nullish() })).max(100_000),
});
const Failure = z.looseObject({ code: z.union([z.int(), z.string()]).transform(String) });
const refusals: Record<string, Extract<OrderAnswer, { kind: 'refused' }>['reason']> = {
  '10002': 'balance-low',
  '40002': 'bad-request',
  '310003': 'out-of-stock',
  '20001': 'out-of-stock',
};

export function createCodesWholesale(options: {
  baseUrl: string;
  version: 'v3';
  clientId: string;
  clientSecret: string;
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): Supplier {
  const http = createSupplierHttp(options);
  const root = `/${options.version}`;
  let token: { text: string; freshUntil: number } | undefined;
  let asking: Promise<string | undefined> | undefined;

  /** One request for many callers: a new one while a token lives answers the same token with what is left of its life. */
  function tokenText(): Promise<string | undefined> {
    if (token && performance.now() < token.freshUntil) return Promise.resolve(token.text);
    asking ??= askToken().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  async function askToken(): Promise<string | undefined> {
    const answer = await http.send({
      method: 'POST',
      path: '/oauth/token',
      headers: {},
      form: { grant_type: 'client_credentials', client_id: options.clientId, client_secret: options.clientSecret },
    });
    const parsed = Token.safeParse(answer?.body);
    if (answer?.status !== 200 || !parsed.success) return undefined;
    token = { text: parsed.data.text, freshUntil: performance.now() + Math.max(1, parsed.data.seconds - 60) * 1000 };
    return token.text;
  }

  /** `unsent` when no token could be had: nothing was asked for. */
  async function send(
    method: 'GET' | 'POST',
    path: string,
    json?: unknown,
    timeoutMs?: number,
  ): Promise<SupplierAnswer | 'unsent' | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const text = await tokenText();
      if (text === undefined) return 'unsent';
      const answer = await http.send({
        method,
        path: `${root}${path}`,
        headers: { authorization: `Bearer ${text}` },
        ...(json === undefined ? {} : { json }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      if (answer?.status !== 401 || attempt === 2) return answer;
      if (token?.text === text) token = undefined; // Another caller may have a new one by now.
    }
  }

  async function get(path: string): Promise<SupplierAnswer | undefined> {
    const answer = await send('GET', path);
    return answer === 'unsent' ? undefined : answer;
  }

  async function readOrder(id: string): Promise<z.output<typeof Order> | undefined> {
    const answer = await get(`/orders/${encodeURIComponent(id)}`);
    const order = Order.safeParse(answer?.body);
    return answer?.status === 200 && order.success ? order.data : undefined;
  }

  /** Image codes are null in the order; each comes by its own call. */
  async function withImages(order: SuppliedOrder, raw: z.output<typeof Order>): Promise<SuppliedOrder> {
    const codes = raw.products[0]?.codes ?? [];
    const units = await Promise.all(
      order.units.map(async (unit): Promise<SuppliedUnit> => {
        const code = codes.find((candidate) => candidate.codeId === unit.ref);
        if (!code || code.codeType.toUpperCase() !== 'CODE_IMAGE') return unit;
        const answer = await get(`/codes/${encodeURIComponent(unit.ref)}`);
        const parsed = Code.safeParse(answer?.body);
        const image = parsed.success && parsed.data.code ? imageOf(parsed.data.code) : undefined;
        return image ? { ref: unit.ref, state: 'ready', code: { kind: 'image', ...image } } : unit;
      }),
    );
    return { ...order, units };
  }

  return {
    name: 'codeswholesale',
    facts: { title: 'CodesWholesale', currency: 'EUR', unitsPerOrderMax: 20, canFetchLate: false, returnHours: 0 },
    isUp: () => http.isUp(),

    async quote(productRef): Promise<Quote> {
      const answer = await get(`/products/${encodeURIComponent(productRef)}`);
      // Gone products answer 404, or an empty object.
      if (answer?.status === 404) return { kind: 'not-sold' };
      if (answer?.status !== 200) return { kind: 'unknown' };
      if (typeof answer.body === 'object' && answer.body !== null && Object.keys(answer.body).length === 0)
        return { kind: 'not-sold' };
      const product = Product.safeParse(answer.body);
      if (!product.success || product.data.productId !== productRef) return { kind: 'unknown' };
      const band = product.data.prices.find((price) => (price.from ?? 1) <= 1);
      if (!band) return { kind: 'not-sold' };
      return { kind: 'offered', unitPriceCents: band.value, stockCount: product.data.quantity };
    },

    async order({ reference, productRef, quantity, unitPriceMaxCents, allowsPreOrder }): Promise<OrderAnswer> {
      // `price` is what they validate against theirs: the price of this moment, which the caller has asked for and found within the maximum.
      const quoted = await this.quote(productRef);
      if (quoted.kind === 'not-sold') return { kind: 'refused', reason: 'out-of-stock', supplierCode: 'not sold' };
      if (quoted.kind === 'unknown') return { kind: 'refused', reason: 'busy', supplierCode: 'no price' };
      if (quoted.unitPriceCents > unitPriceMaxCents)
        return { kind: 'refused', reason: 'price-moved', supplierCode: 'above maximum' };
      const answer = await send(
        'POST',
        '/orders',
        {
          allowPreOrder: allowsPreOrder,
          orderId: reference,
          products: [{ productId: productRef, quantity, price: formatCents(quoted.unitPriceCents) }],
        },
        30_000,
      );
      if (answer === 'unsent') return { kind: 'refused', reason: 'not-authorised', supplierCode: 'no token' };
      if (answer === undefined || answer.status >= 500) return { kind: 'unknown' };
      if (answer.status < 300) {
        const order = Order.safeParse(answer.body);
        return order.success
          ? { kind: 'placed', order: await withImages(showOrder(order.data), order.data) }
          : { kind: 'unknown' };
      }
      if (answer.status === 401 || answer.status === 403)
        return { kind: 'refused', reason: 'not-authorised', supplierCode: String(answer.status) };
      if (answer.status === 429) return { kind: 'refused', reason: 'busy', supplierCode: '429' };
      const failure = Failure.safeParse(answer.body);
      const reason = failure.success ? refusals[failure.data.code] : undefined;
      // A refusal without a known reason may still have been an order.
      return failure.success && reason
        ? { kind: 'refused', reason, supplierCode: failure.data.code }
        : { kind: 'unknown' };
    },

    async find(reference, since): Promise<FindAnswer> {
      // By our own reference first; a 404 there proves nothing, so the history decides.
      const direct = await readOrder(reference);
      const day = (date: Date) => date.toISOString().slice(0, 10);
      const from = new Date(since.getTime() - 86_400_000);
      const to = new Date(Date.now() + 2 * 86_400_000);
      const answer = await get(`/orders?startFrom=${day(from)}&endOn=${day(to)}`);
      const history = History.safeParse(answer?.body);
      if (answer?.status !== 200 || !history.success)
        return direct?.clientOrderId === reference
          ? { kind: 'found', orders: [showOrder(direct)] }
          : { kind: 'unknown' };
      const ids = new Set(
        history.data.items.filter((item) => item.clientOrderId === reference).map((item) => item.orderId),
      );
      if (direct?.clientOrderId === reference) ids.add(direct.orderId);
      const orders = await Promise.all([...ids].map(readOrder));
      if (orders.includes(undefined)) return { kind: 'unknown' };
      const found = orders.flatMap((order) => (order ? [showOrder(order)] : []));
      found.sort((a, b) => (a.orderedAt ?? '').localeCompare(b.orderedAt ?? ''));
      return found.length > 0 ? { kind: 'found', orders: found } : { kind: 'nothing' };
    },

    async fetch(supplierOrderId, withCodes): Promise<FetchAnswer> {
      const order = await readOrder(supplierOrderId);
      if (!order) return { kind: 'unknown' };
      const shown = showOrder(order);
      if (!withCodes)
        return { kind: 'order', order: { ...shown, units: shown.units.map(({ ref, state }) => ({ ref, state })) } };
      return { kind: 'order', order: await withImages(shown, order) };
    },

    giveBack: () => Promise.resolve('refused'),

    async balance() {
      const answer = await get('/accounts/current');
      const account = z.looseObject({ totalToUse: Amount }).safeParse(answer?.body);
      return answer?.status === 200 && account.success
        ? { kind: 'known', cents: account.data.totalToUse }
        : { kind: 'unknown' };
    },

    async listProducts(cursor) {
      const answer = await get(`/products${cursor === null ? '' : `?continuationToken=${encodeURIComponent(cursor)}`}`);
      const page = z
        .looseObject({ items: z.array(z.unknown()).max(10_000), continuationToken: z.string().nullish() })
        .safeParse(answer?.body);
      if (answer?.status !== 200 || !page.success) return { kind: 'unknown' };
      return {
        kind: 'page',
        items: page.data.items.flatMap((item) => {
          const product = Product.safeParse(item);
          const band = product.success ? product.data.prices.find((price) => (price.from ?? 1) <= 1) : undefined;
          if (!product.success || !band) return [];
          const { productId, name, platform, regions, quantity } = product.data;
          return [
            {
              productRef: productId,
              name,
              platform,
              region: shortText(regions[0]),
              unitPriceCents: band.value,
              stockCount: quantity,
            },
          ];
        }),
        nextCursor: page.data.continuationToken ?? null,
      };
    },
  };
}

function showOrder(order: z.output<typeof Order>): SuppliedOrder {
  const [line] = order.products;
  const status = order.status.toLowerCase();
  const codes = line?.codes ?? [];
  return {
    supplierOrderId: order.orderId,
    reference: order.clientOrderId ?? null,
    status:
      status === 'completed'
        ? 'complete'
        : status === 'cancelled' || status === 'canceled' || status === 'failed'
          ? 'cancelled'
          : status === 'refunded'
            ? 'refunded'
            : 'open',
    productRef: line?.productId ?? '',
    // The answer names no quantity of its own: what was charged tells it, and each code is counted when it comes.
    quantity: quantityOf(order, line),
    unitPriceCents: line?.unitPrice ?? 0,
    units: codes.map(showCode),
    orderedAt: order.createdOn ?? null,
  };
}

function quantityOf(
  order: z.output<typeof Order>,
  line: z.output<typeof Order>['products'][number] | undefined,
): number {
  const codeCount = line?.codes?.length ?? 0;
  const total = centsOf(order['totalPrice']);
  return total !== undefined && line && line.unitPrice > 0 ? Math.round(total / line.unitPrice) : codeCount;
}

function showCode(code: z.output<typeof Code>): SuppliedUnit {
  const type = code.codeType.toUpperCase();
  if (type.includes('PRE')) return { ref: code.codeId, state: 'pre-order' };
  if (type === 'CODE_TEXT' && code.code)
    return { ref: code.codeId, state: 'ready', code: { kind: 'text', text: code.code } };
  return { ref: code.codeId, state: 'pending' };
}
