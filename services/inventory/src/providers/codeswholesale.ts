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
    .min(1)
    .max(100),
});
const History = z.looseObject({
  items: z.array(z.looseObject({ orderId: z.string(), clientOrderId: z.string().nullish() })).max(100_000),
});
/** Their words for what can be wrong with a code. */
const complaintReasons = {
  'already-used': 'Used',
  'wrong-region': 'Region Lock',
  invalid: 'Invalid',
  'not-active-yet': 'Other',
};
const Complaints = z.looseObject({
  items: z.array(z.looseObject({ productId: z.string(), code: z.string().nullish(), status: z.string() })).max(1000),
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
  /** Their complaint API: live host only, for clients they have put on a list. */
  takesComplaints: boolean;
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): Supplier {
  const http = createSupplierHttp({ name: 'codeswholesale', ...options });
  const root = `/${options.version}`;
  let token: { text: string; freshUntil: number } | undefined;
  let asking: Promise<Access> | undefined;

  /**
   * One request for many callers: a new one while a token lives answers the same token with what is left of its life. So no caller's
   * signal ends it, but a caller whose signal ends waits for it no longer.
   */
  function access(signal: AbortSignal | undefined): Promise<Access> {
    if (token && performance.now() < token.freshUntil) return Promise.resolve(token);
    asking ??= askToken().finally(() => {
      asking = undefined;
    });
    return unlessGivenUp(asking, signal);
  }

  async function askToken(): Promise<Access> {
    const answer = await http.send({
      method: 'POST',
      path: '/oauth/token',
      headers: {},
      form: { grant_type: 'client_credentials', client_id: options.clientId, client_secret: options.clientSecret },
    });
    if (answer === undefined || answer === 'unsent') return 'unsent';
    if (answer.status === 400 || answer.status === 401 || answer.status === 403) return 'denied';
    const parsed = Token.safeParse(answer.body);
    if (answer.status !== 200 || !parsed.success) return 'unsent';
    const { text, seconds } = parsed.data;
    // A minute early; but in its last minutes a token is answered again and again, and tokens may be asked for 50 times in 5 minutes.
    token = { text, freshUntil: performance.now() + Math.max(1, seconds - 60, seconds * 0.75) * 1000 };
    return token;
  }

  /** `denied` and `unsent`: nothing was asked for. */
  async function send(request: {
    method: 'GET' | 'POST';
    path: string;
    json?: unknown;
    timeoutMs?: number;
    answerBytesMax?: number | undefined;
    isWrite?: true;
    signal?: AbortSignal | undefined;
    onCall?: (call: SupplierCall) => void;
  }): Promise<SupplierAnswer | 'denied' | 'unsent' | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const held = await access(request.signal);
      if (typeof held === 'string') return held;
      const answer = await http.send({
        ...request,
        path: `${root}${request.path}`,
        headers: { authorization: `Bearer ${held.text}` },
      });
      if (typeof answer !== 'object' || answer.status !== 401 || attempt === 2) return answer;
      if (token?.text === held.text) token = undefined; // Another caller may have a new one by now.
    }
  }

  async function get(
    path: string,
    signal: AbortSignal | undefined,
    answerBytesMax?: number,
  ): Promise<SupplierAnswer | undefined> {
    const answer = await send({ method: 'GET', path, signal, answerBytesMax });
    return typeof answer === 'object' ? answer : undefined;
  }

  async function readOrder(id: string, signal: AbortSignal | undefined): Promise<z.output<typeof Order> | undefined> {
    const answer = await get(`/orders/${encodeURIComponent(id)}`, signal, longAnswerBytesMax);
    const order = Order.safeParse(answer?.body);
    if (answer?.status !== 200 || !order.success) return undefined;
    // The codes of another order must never be taken for those of this one.
    return order.data.orderId === id || order.data.clientOrderId === id ? order.data : undefined;
  }

  /** Image codes are null in the order; each comes by its own call, and so may one that was ordered for later. */
  async function withOwnCalls(
    order: SuppliedOrder,
    raw: z.output<typeof Order>,
    signal?: AbortSignal,
  ): Promise<SuppliedOrder> {
    const types = new Map(codesOf(raw).map((code) => [code.codeId, code.codeType.toUpperCase()]));
    const units = await Promise.all(
      order.units.map(async (unit): Promise<SuppliedUnit> => {
        const isImage = types.get(unit.ref) === 'CODE_IMAGE';
        if (!isImage && unit.state !== 'pre-order') return unit;
        const answer = await get(`/codes/${encodeURIComponent(unit.ref)}`, signal, longAnswerBytesMax);
        const parsed = Code.safeParse(answer?.body);
        if (answer?.status !== 200 || !parsed.success || parsed.data.codeId !== unit.ref) return unit;
        // What the order calls a picture is never shown as the text of its bytes.
        if (!isImage && parsed.data.codeType.toUpperCase() !== 'CODE_IMAGE') return showCode(parsed.data);
        const image = parsed.data.code ? imageOf(parsed.data.code) : undefined;
        return image ? { ref: unit.ref, state: 'ready', code: { kind: 'image', ...image } } : unit;
      }),
    );
    return { ...order, units };
  }

  async function quoteFor(productRef: string, quantity: number, signal: AbortSignal | undefined): Promise<Quote> {
    const answer = await get(`/products/${encodeURIComponent(productRef)}`, signal);
    // Gone products answer 404, or an empty object.
    if (answer?.status === 404) return { kind: 'not-sold' };
    if (answer?.status !== 200) return { kind: 'unknown' };
    if (typeof answer.body === 'object' && answer.body !== null && Object.keys(answer.body).length === 0)
      return { kind: 'not-sold' };
    const product = Product.safeParse(answer.body);
    if (!product.success || product.data.productId !== productRef) return { kind: 'unknown' };
    const unitPriceCents = priceOf(product.data, quantity);
    if (unitPriceCents === undefined) return { kind: 'not-sold' };
    return { kind: 'offered', unitPriceCents, stockCount: product.data.quantity };
  }

  return {
    name: 'codeswholesale',
    facts: {
      title: 'CodesWholesale',
      currency: 'EUR',
      unitsPerOrderMax: 20,
      canFetchLate: false,
      returnHours: 0,
      // Claims are taken up to a year after the purchase.
      claimHours: options.takesComplaints ? 365 * 24 : 0,
    },
    isUp: () => http.isUp(),

    // What is not released yet is listed with its price, and without stock.
    quote: (productRef, _allowsPreOrder, signal) => quoteFor(productRef, 1, signal),

    async order({ reference, productRef, quantity, unitPriceMaxCents, allowsPreOrder, signal }): Promise<OrderAnswer> {
      if ((await access(signal)) === 'denied')
        return { kind: 'refused', reason: 'not-authorised', supplierCode: 'no token', isUnsent: true };
      // `price` is what they validate against theirs: the price of this moment, which the caller has asked for and found within the maximum.
      const quoted = await quoteFor(productRef, quantity, signal);
      if (quoted.kind === 'not-sold')
        return { kind: 'refused', reason: 'out-of-stock', supplierCode: 'not sold', isUnsent: true };
      if (quoted.kind === 'unknown')
        return { kind: 'refused', reason: 'busy', supplierCode: 'no price', isUnsent: true };
      if (quoted.unitPriceCents > unitPriceMaxCents)
        return { kind: 'refused', reason: 'price-moved', supplierCode: 'above maximum', isUnsent: true };
      const answer = await send({
        method: 'POST',
        path: '/orders',
        json: {
          allowPreOrder: allowsPreOrder,
          orderId: reference,
          products: [{ productId: productRef, quantity, price: formatCents(quoted.unitPriceCents) }],
        },
        timeoutMs: 30_000,
        answerBytesMax: longAnswerBytesMax,
        isWrite: true,
        signal,
      });
      if (answer === 'denied')
        return { kind: 'refused', reason: 'not-authorised', supplierCode: 'no token', isUnsent: true };
      if (answer === 'unsent') return { kind: 'refused', reason: 'busy', supplierCode: 'not sent', isUnsent: true };
      if (answer === undefined || answer.status >= 500) return { kind: 'unknown' };
      if (answer.status < 300) {
        const order = Order.safeParse(answer.body);
        return order.success
          ? { kind: 'placed', order: await withOwnCalls(showOrder(order.data), order.data) }
          : { kind: 'unknown' };
      }
      if (answer.status === 401 || answer.status === 403)
        return { kind: 'refused', reason: 'not-authorised', supplierCode: String(answer.status) };
      if (answer.retryAfterSeconds) return { kind: 'not-now', retryAfterSeconds: answer.retryAfterSeconds };
      const failure = Failure.safeParse(answer.body);
      const reason = failure.success ? refusals[failure.data.code] : undefined;
      // A refusal without a known reason may still have been an order.
      return failure.success && reason
        ? { kind: 'refused', reason, supplierCode: failure.data.code }
        : { kind: 'unknown' };
    },

    async find(reference, since, signal): Promise<FindAnswer> {
      // By our own reference first; a 404 there proves nothing, so the history decides.
      const direct = await readOrder(reference, signal);
      const day = (date: Date) => date.toISOString().slice(0, 10);
      const from = new Date(since.getTime() - 86_400_000);
      const to = new Date(Date.now() + 2 * 86_400_000);
      const answer = await get(`/orders?startFrom=${day(from)}&endOn=${day(to)}`, signal, longAnswerBytesMax);
      const history = History.safeParse(answer?.body);
      if (answer?.status !== 200 || !history.success)
        return direct?.clientOrderId === reference
          ? { kind: 'found', orders: [showOrder(direct)] }
          : { kind: 'unknown' };
      const ids = new Set(
        history.data.items.filter((item) => item.clientOrderId === reference).map((item) => item.orderId),
      );
      if (direct?.clientOrderId === reference) ids.add(direct.orderId);
      const orders = await Promise.all([...ids].map((id) => readOrder(id, signal)));
      if (orders.includes(undefined)) return { kind: 'unknown' };
      const found = orders.flatMap((order) => (order ? [showOrder(order)] : []));
      found.sort((a, b) => (a.orderedAt ?? '').localeCompare(b.orderedAt ?? ''));
      return found.length > 0 ? { kind: 'found', orders: found } : { kind: 'nothing' };
    },

    async fetch(supplierOrderId, withCodes, signal): Promise<FetchAnswer> {
      const order = await readOrder(supplierOrderId, signal);
      if (!order) return { kind: 'unknown' };
      const shown = showOrder(order);
      if (!withCodes)
        return { kind: 'order', order: { ...shown, units: shown.units.map(({ ref, state }) => ({ ref, state })) } };
      return { kind: 'order', order: await withOwnCalls(shown, order, signal) };
    },

    giveBack: () => Promise.resolve('refused'),

    async claim({ reference, productRef, reason, note, code, picture }) {
      if (!options.takesComplaints) return 'refused';
      const answer = await send({
        method: 'POST',
        path: '/complaints',
        json: {
          clientOrderId: reference,
          productId: productRef,
          codeType: code === null ? 'CODE_IMAGE' : 'CODE_TEXT',
          ...(code === null ? {} : { code }),
          reason: complaintReasons[reason],
          ...(note === null ? {} : { description: note }),
          ...(picture === null ? {} : { screenshot: picture.contentBase64 }),
        },
        timeoutMs: 30_000,
        isWrite: true,
      });
      if (typeof answer !== 'object' || answer.status >= 500 || answer.status === 429) return 'unknown';
      // 409: a complaint about this code is there already, ours.
      return answer.status < 300 || answer.status === 409 ? 'asked' : 'refused';
    },

    async claimOutcome({ reference, productRef, code }, signal) {
      const answer = await get(`/complaints/order/${encodeURIComponent(reference)}`, signal);
      const listed = Complaints.safeParse(answer?.body);
      if (answer?.status !== 200 || !listed.success) return 'unknown';
      const status = listed.data.items.find(
        (item) => item.productId === productRef && (code === null || item.code === code),
      )?.status;
      if (/^(?:accepted|refunded|replaced|resolved)$/i.test(status ?? '')) return 'granted';
      return /^(?:rejected|declined)$/i.test(status ?? '') ? 'refused' : 'open';
    },

    async replay({ method, path }, signal) {
      let made: SupplierCall | undefined;
      const onCall = (call: SupplierCall) => {
        made = call;
      };
      if (method === 'GET' && path.startsWith(`${root}/`))
        await send({ method, path: path.slice(root.length), onCall, signal, answerBytesMax: longAnswerBytesMax });
      return made;
    },

    async balance(signal) {
      const answer = await get('/accounts/current', signal);
      const account = z.looseObject({ totalToUse: Amount }).safeParse(answer?.body);
      return answer?.status === 200 && account.success
        ? { kind: 'known', cents: account.data.totalToUse }
        : { kind: 'unknown' };
    },

    async listProducts(cursor, signal) {
      const answer = await get(
        `/products${cursor === null ? '' : `?continuationToken=${encodeURIComponent(cursor)}`}`,
        signal,
        longAnswerBytesMax,
      );
      const page = z
        .looseObject({ items: z.array(z.unknown()).max(10_000), continuationToken: z.string().nullish() })
        .safeParse(answer?.body);
      if (answer?.status !== 200 || !page.success) return { kind: 'unknown' };
      return {
        kind: 'page',
        items: page.data.items.flatMap((item) => {
          const product = Product.safeParse(item);
          const unitPriceCents = product.success ? priceOf(product.data, 1) : undefined;
          if (!product.success || unitPriceCents === undefined) return [];
          const { productId, name, platform, regions, quantity } = product.data;
          return [
            {
              productRef: productId,
              name,
              platform,
              region: shortText(regions[0]),
              unitPriceCents,
              stockCount: quantity,
            },
          ];
        }),
        nextCursor: page.data.continuationToken ?? null,
      };
    },
  };
}

type Access = { text: string } | 'denied' | 'unsent';

function unlessGivenUp(asked: Promise<Access>, signal: AbortSignal | undefined): Promise<Access> {
  if (!signal) return asked;
  return new Promise((answer, fail) => {
    const giveUp = () => answer('unsent');
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    void asked.then(answer, fail).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/** Prices are bands of quantities, in no promised order. */
function priceOf(product: z.output<typeof Product>, quantity: number): number | undefined {
  return product.prices.find(({ from, to }) => (from ?? 1) <= quantity && (to ?? Infinity) >= quantity)?.value;
}

function showOrder(order: z.output<typeof Order>): SuppliedOrder {
  const status = order.status.toLowerCase();
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
    // An order of several products is not the one that was asked for, whichever comes first.
    productRef: [...new Set(order.products.map((line) => line.productId))].join(' '),
    // The answer names no quantity of its own: what was charged tells it, and each code is counted when it comes.
    quantity: quantityOf(order),
    unitPriceCents: dearestOf(order),
    totalCents: centsOf(order['totalPrice']) ?? 0,
    units: codesOf(order).map(showCode),
    orderedAt: order.createdOn ?? null,
  };
}

function quantityOf(order: z.output<typeof Order>): number {
  const unit = dearestOf(order);
  const total = centsOf(order['totalPrice']);
  return total !== undefined && unit > 0 ? Math.round(total / unit) : codesOf(order).length;
}

function dearestOf(order: z.output<typeof Order>): number {
  return Math.max(...order.products.map((line) => line.unitPrice));
}

function codesOf(order: z.output<typeof Order>): z.output<typeof Code>[] {
  return order.products.flatMap((line) => line.codes ?? []);
}

function showCode(code: z.output<typeof Code>): SuppliedUnit {
  const type = code.codeType.toUpperCase();
  if (type.includes('PRE')) return { ref: code.codeId, state: 'pre-order' };
  if (type === 'CODE_TEXT' && code.code)
    return { ref: code.codeId, state: 'ready', code: { kind: 'text', text: code.code } };
  return { ref: code.codeId, state: 'pending' };
}
