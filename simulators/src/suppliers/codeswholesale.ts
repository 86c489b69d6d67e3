import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Fault, Faults } from '../faults.ts';
import { catalogue, codesWholesaleProductId } from './catalogue.ts';
import { interrupted, oddOrder, refusedOrder, supplierFaultModes, unreadable } from './fault-modes.ts';
import { Stock, type StockLine, type StockOrder, type StockProduct, type StockUnit, type WantedLine } from './stock.ts';
import { isInterrupted, sendAnswer } from './supplier-answer.ts';

// CodesWholesale API v3: OAuth2 with a token that is the same one until it ends, the client's own `orderId` answered as `clientOrderId`,
// codes inline, no push. A repeated `orderId` buys again. What no document tells is written where it is chosen.

const tokenSeconds = 3_600;
const pageSize = 25;
const OrderBody = z.looseObject({
  // The default of the official client: who leaves it out may pay for a pre-order.
  allowPreOrder: z.boolean().default(true),
  orderId: z.string().max(200).optional(),
  products: z
    .array(z.looseObject({ productId: z.string(), quantity: z.int(), price: z.number().optional() }))
    .min(1)
    .max(100),
});
const TokenBody = z.object({ grant_type: z.string(), client_id: z.string().min(1), client_secret: z.string().min(1) });
type Query = Record<string, string | undefined>;

export interface CodesWholesale {
  stock: Stock;
  register(server: FastifyInstance): void;
}

const Complaint = z.object({
  clientOrderId: z.string(),
  productId: z.string(),
  codeType: z.enum(['CODE_TEXT', 'CODE_IMAGE']).optional(),
  code: z.string().optional(),
  reason: z.enum(['Invalid', 'Used', 'Region Lock', 'Wrong game', 'Not clear', 'Other']).optional(),
});

export function createCodesWholesale(faults: Faults): CodesWholesale {
  const stock = new Stock(randomUUID);
  const complaints: (z.infer<typeof Complaint> & { isRejected: boolean; isLooked?: boolean })[] = [];
  const tokens = new Map<string, { value: string; endsAtMs: number }>();
  for (const { name, platform, region, isPreOrder, codesWholesale } of catalogue)
    stock.setProduct({
      ref: codesWholesaleProductId(name),
      name,
      platform,
      region,
      isPreOrder,
      ...codesWholesale,
    });

  async function isRefusedToken(request: FastifyRequest): Promise<boolean> {
    const bearer = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const client = [...tokens].find(([, token]) => token.value === bearer && token.endsAtMs > Date.now())?.[0];
    if (client === undefined) return true;
    if (!(await faults.strike('codeswholesale.token', ['token-401']))) return false;
    tokens.delete(client);
    return true;
  }

  /** What the order would buy, or why it is refused. */
  function check(body: z.infer<typeof OrderBody>): { lines: WantedLine[]; isPreOrder: boolean } | Refusal {
    const lines = [];
    let isPreOrder = false;
    for (const line of body.products) {
      const product = stock.products.get(line.productId);
      if (line.quantity < 1) return refusal(400, 40002, 'Quantity must be greater than zero');
      if (!product) return refusal(404, 20001, 'Product not found in the price list');
      const unitPriceCents = priceCentsFor(product, line.quantity);
      const requestPriceCents = line.price === undefined ? unitPriceCents : Math.round(line.price * 100);
      // A lower real price passes; the code of a higher one is in no document.
      if (requestPriceCents < unitPriceCents) return refusal(409, 310004, 'The price of the product has changed');
      if (product.isPreOrder || product.stockCount < line.quantity) {
        if (!body.allowPreOrder) return refusal(400, 310003, 'Too low stock');
        isPreOrder = true;
      }
      lines.push({ product, quantity: line.quantity, requestPriceCents, unitPriceCents });
    }
    const totalCents = lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
    if (totalCents > stock.balanceCents) return refusal(400, 10002, 'Balance is too low');
    return { lines, isPreOrder };
  }

  function register(server: FastifyInstance): void {
    server.post<{ Querystring: Query; Body: Record<string, unknown> | undefined }>(
      '/codeswholesale/oauth/token',
      async (request, reply) => {
        const mode = await faults.strike('codeswholesale.token', [...interrupted, 'other-shape']);
        if (isInterrupted(reply, mode)) return reply;
        if (mode === 'error') return refuse(reply, refusal(500, 0, 'Internal server error'));
        const body = TokenBody.safeParse({ ...request.query, ...request.body });
        if (!body.success)
          return reply.status(400).send({ error: 'invalid_request', error_description: 'A parameter is missing' });
        if (body.data.grant_type !== 'client_credentials')
          return reply
            .status(400)
            .send({ error: 'unsupported_grant_type', error_description: 'Unsupported grant type' });
        if (body.data.client_id.startsWith('wrong') || body.data.client_secret.startsWith('wrong'))
          return reply.status(401).send({ error: 'invalid_client', error_description: 'Bad client credentials' });
        let token = tokens.get(body.data.client_id);
        if (!token || token.endsAtMs <= Date.now()) {
          token = { value: randomUUID(), endsAtMs: Date.now() + tokenSeconds * 1_000 };
          tokens.set(body.data.client_id, token);
        }
        const secondsLeft = Math.floor((token.endsAtMs - Date.now()) / 1_000);
        if (mode === 'other-shape')
          return reply.send({
            value: token.value,
            tokenType: 'bearer',
            expiresIn: secondsLeft,
            expired: false,
            expiration: new Date(token.endsAtMs).toISOString(),
            scope: ['administration'],
            additionalInformation: {},
            refreshToken: null,
          });
        return reply.send({ access_token: token.value, token_type: 'bearer', expires_in: secondsLeft });
      },
    );

    void server.register(
      async (v3) => {
        v3.addHook('onRequest', async (request, reply) => {
          if (await isRefusedToken(request))
            return reply.status(401).send({ error: 'invalid_token', error_description: 'Invalid access token' });
          return undefined;
        });
        registerV3(v3);
      },
      { prefix: '/codeswholesale/v3' },
    );
  }

  function registerV3(v3: FastifyInstance): void {
    v3.get<{ Querystring: Query }>('/products', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.products', supplierFaultModes['codeswholesale.products']);
      if (isStruck(reply, mode)) return reply;
      const { productIds, platform, region, language, inStockDaysAgo, continuationToken } = request.query;
      if (inStockDaysAgo !== undefined && !/^([0-9]|[1-5][0-9]|60)$/.test(inStockDaysAgo))
        return refuse(reply, refusal(400, 40001, 'inStockDaysAgo must be from 0 to 60'));
      const wanted = [...stock.products.values()].filter(
        (product) =>
          (productIds === undefined || productIds.split(',').includes(product.ref)) &&
          (platform === undefined || product.platform.toLowerCase() === platform.toLowerCase()) &&
          (region === undefined || product.region.toLowerCase() === region.toLowerCase()) &&
          (language === undefined || language.toLowerCase() === 'multilanguage'),
      );
      const start = continuationToken === undefined || mode === 'duplicate' ? 0 : readToken(continuationToken);
      if (start === undefined) return refuse(reply, refusal(400, 40001, 'The continuation token is not valid'));
      const items = wanted.slice(start, start + pageSize).map((product) => showProduct(product, mode));
      const end = start + items.length;
      return sendAnswer(reply, mode, 200, {
        items,
        continuationToken: end < wanted.length ? Buffer.from(`from:${end}`).toString('base64url') : null,
      });
    });

    v3.get<{ Params: { productId: string } }>('/products/:productId', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.products', supplierFaultModes['codeswholesale.products']);
      if (isStruck(reply, mode)) return reply;
      const product = stock.products.get(request.params.productId);
      if (!product || mode === 'sold-out-404')
        return refuse(reply, refusal(404, 20001, 'Product not found in the price list'));
      return sendAnswer(reply, mode, 200, showProduct(product, mode));
    });

    v3.get('/accounts/current', async () => ({
      fullName: 'Kelid',
      email: 'suppliers@kelid.example',
      currentBalance: stock.balanceCents / 100,
      currentCredit: 0,
      totalToUse: stock.balanceCents / 100,
      links: [{ rel: 'self', href: '/v3/accounts/current' }],
    }));

    v3.post('/orders', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.order', [...interrupted, ...refusedOrder]);
      if (isStruck(reply, mode)) return reply;
      if (mode === 'error-422') return refuse(reply, refusal(422, 0, ''));
      if (mode === 'out-of-stock') return refuse(reply, refusal(400, 310003, 'Too low stock'));
      if (mode === 'sold-out-404') return refuse(reply, refusal(404, 20001, 'Product not found in the price list'));
      if (mode === 'balance-empty') return refuse(reply, refusal(400, 10002, 'Balance is too low'));
      const body = OrderBody.safeParse(request.body);
      if (!body.success) return refuse(reply, refusal(400, 40001, body.error.issues[0]?.message ?? 'Bad request'));
      const first = check(body.data);
      if ('refused' in first) return refuse(reply, first);
      // What goes wrong after the order waits for one that is taken. From the second look on nothing waits: no unit is sold twice.
      const fault = await faults.take('codeswholesale.order', [...unreadable, ...oddOrder]);
      const checked = check(body.data);
      if ('refused' in checked) return refuse(reply, checked);
      const wanted = { reference: body.data.orderId, lines: checked.lines };
      const readyAfterMs = checked.isPreOrder ? undefined : 0;
      const placed = stock.place(wanted, fault, readyAfterMs);
      if (fault?.mode === 'refused-taken') return refuse(reply, refusal(400, 310003, 'Too low stock'));
      if (fault?.mode === 'duplicate') stock.place(wanted, fault, readyAfterMs);
      return sendAnswer(reply, fault?.mode, 200, showOrder(placed, undefined));
    });

    v3.get<{ Querystring: Query }>('/orders', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.find', supplierFaultModes['codeswholesale.find']);
      if (isStruck(reply, mode)) return reply;
      const startFrom = readDate(request.query['startFrom']);
      const endOn = readDate(request.query['endOn']);
      if (Number.isNaN(startFrom) || Number.isNaN(endOn))
        return refuse(reply, refusal(400, 40001, 'The date is not valid'));
      const found = [...stock.orders.values()].filter(
        ({ orderedAt, findableFromMs }) =>
          mode !== 'hidden' &&
          findableFromMs <= Date.now() &&
          orderedAt.getTime() >= (startFrom ?? 0) &&
          orderedAt.getTime() <= (endOn ?? Infinity),
      );
      const items = found.toReversed().map(showOrderHead);
      return sendAnswer(reply, mode === 'hidden' ? undefined : mode, 200, { items });
    });

    v3.get<{ Params: { orderId: string } }>('/orders/:orderId', async (request, reply) => {
      const found = stock.orders.get(request.params.orderId);
      // By our own reference it isn't found: only the history is sure to know it. No fault is spent on such a question.
      if (!found) return refuse(reply, refusal(404, 50001, 'Order not found'));
      const mode = await faults.strike('codeswholesale.codes', supplierFaultModes['codeswholesale.codes']);
      if (isStruck(reply, mode)) return reply;
      if (mode === 'sold-out-404') return refuse(reply, refusal(404, 50001, 'Order not found'));
      return sendAnswer(reply, mode, 200, showOrder(found, mode));
    });

    v3.post('/complaints', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.complaints', supplierFaultModes['codeswholesale.complaints']);
      if (isStruck(reply, mode)) return reply;
      const body = Complaint.safeParse(request.body);
      const order = [...stock.orders.values()].find(({ reference }) => reference === body.data?.clientOrderId);
      if (!body.success || !order) return refuse(reply, refusal(400, 40001, 'No such order or code'));
      const { clientOrderId, productId, code } = body.data;
      if (complaints.some((known) => known.clientOrderId === clientOrderId && known.code === code))
        return refuse(reply, refusal(409, 40009, 'The complaint already exists'));
      complaints.push({ clientOrderId, productId, code, isRejected: mode === 'error-422' });
      return sendAnswer(reply, mode, 201, { status: 'Pending' });
    });

    v3.get<{ Params: { reference: string } }>('/complaints/order/:reference', async (request) => ({
      // Decided at the second look, as a person at the supplier would some days later.
      items: complaints
        .filter(({ clientOrderId }) => clientOrderId === request.params.reference)
        .map((complaint) => {
          const status = complaint.isLooked ? (complaint.isRejected ? 'Rejected' : 'Accepted') : 'Pending';
          complaint.isLooked = true;
          return { productId: complaint.productId, code: complaint.code ?? null, status };
        }),
    }));

    v3.get<{ Params: { codeId: string } }>('/codes/:codeId', async (request, reply) => {
      const mode = await faults.strike('codeswholesale.codes', supplierFaultModes['codeswholesale.codes']);
      if (isStruck(reply, mode)) return reply;
      const unit = stock.units.get(request.params.codeId);
      if (!unit || mode === 'sold-out-404' || mode === 'late' || (unit.state !== 'ready' && unit.state !== 'pre-order'))
        return refuse(reply, refusal(404, 50002, 'Code details not found'));
      if (mode === 'duplicate-code') stock.repeatCode([unit]);
      const shown = showCode(unit);
      return sendAnswer(reply, mode, 200, { ...shown, code: unit.state === 'ready' ? unit.serial : null });
    });
  }

  function isStruck(reply: FastifyReply, mode: Fault['mode'] | undefined): boolean {
    if (isInterrupted(reply, mode)) return true;
    if (mode !== 'error') return false;
    void refuse(reply, refusal(500, 0, 'Internal server error'));
    return true;
  }

  function showProduct(product: StockProduct, mode: Fault['mode'] | undefined) {
    const times = mode === 'price-jump' ? 10 : 1;
    return {
      productId: mode === 'wrong-product' ? stock.otherRef(product.ref) : product.ref,
      identifier: `KL-${product.ref.slice(0, 6).toUpperCase()}`,
      name: product.name,
      platform: product.platform,
      regions: [product.region],
      regionDescription: null,
      languages: ['Multilanguage'],
      quantity: mode === 'out-of-stock' ? 0 : product.stockCount,
      images: [
        { format: 'SMALL', image: `https://api.codeswholesale.com/v1/products/${product.ref}/image?format=SMALL` },
      ],
      // The order of the bands is no promise: the dearest is not the first.
      prices: bandsOf(product).map(({ cents, from, to }) => ({ value: (cents * times) / 100, from, to })),
      badges: [{ id: 1, name: 'Official', slug: 'official' }],
      releaseDate: '2024-01-01T00:00:00.000Z',
    };
  }

  function showOrderHead(found: StockOrder) {
    return {
      orderId: found.id,
      clientOrderId: found.reference ?? null,
      identifier: `TOGENERATE-${found.number}`,
      status: { open: 'Fulfilling', completed: 'Completed', cancelled: 'Cancelled', refunded: 'Cancelled' }[
        found.status
      ],
      createdOn: found.orderedAt.toISOString(),
      totalPrice: stock.totalCents(found) / 100,
      links: [{ rel: 'self', href: `/v3/orders/${found.reference ?? found.id}` }],
    };
  }

  function showOrder(found: StockOrder, mode: Fault['mode'] | undefined) {
    if (mode === 'duplicate-code') stock.repeatCode(found.lines.flatMap(({ units }) => units));
    return { ...showOrderHead(found), products: found.lines.map((line) => showLine(line, mode)) };
  }

  function showLine(line: StockLine, mode: Fault['mode'] | undefined) {
    const codes = line.units.filter(({ state }) => state === 'ready' || state === 'pre-order');
    return {
      productId: mode === 'wrong-product' ? stock.otherRef(line.answeredRef) : line.answeredRef,
      name: line.product.name,
      unitPrice: line.unitPriceCents / 100,
      codes: mode === 'late' ? [] : codes.map(showCode),
      links: [{ rel: 'product', href: `/v3/products/${line.answeredRef}` }],
    };
  }

  return { stock, register };
}

interface Refusal {
  refused: { status: number; code: number; message: string };
}

function refusal(status: number, code: number, message: string): Refusal {
  return { refused: { status, code, message } };
}

function refuse(reply: FastifyReply, { refused }: Refusal): FastifyReply {
  const moreInfo = 'https://docs.codeswholesale.com';
  return reply.status(refused.status).send({ ...refused, developerMessage: refused.message, moreInfo });
}

/** An image comes by its own call only, and a pre-order has no code yet: in an order both are null. */
function showCode(unit: StockUnit) {
  const isImage = unit.contentType === 'image/png';
  const links = [{ rel: 'self', href: `/v3/codes/${unit.id}` }];
  if (unit.state === 'pre-order')
    return { codeId: unit.id, codeType: 'CODE_PREORDER', status: 'Pre-ordered code', code: null, filename: '', links };
  if (isImage)
    return {
      codeId: unit.id,
      codeType: 'CODE_IMAGE',
      status: 'Image code',
      code: null,
      filename: `${unit.id.slice(0, 8)}.png`,
      links,
    };
  return { codeId: unit.id, codeType: 'CODE_TEXT', status: 'Text code', code: unit.serial, filename: '', links };
}

function bandsOf({ priceCents }: StockProduct): { cents: number; from: number; to: number | null }[] {
  return [
    { cents: Math.round(priceCents * 0.96), from: 100, to: null },
    { cents: priceCents, from: 1, to: 9 },
    { cents: Math.round(priceCents * 0.98), from: 10, to: 99 },
  ];
}

function priceCentsFor(product: StockProduct, quantity: number): number {
  const band = bandsOf(product).find(({ from, to }) => quantity >= from && quantity <= (to ?? Infinity));
  return band?.cents ?? product.priceCents;
}

function readToken(token: string): number | undefined {
  const match = /^from:(\d{1,6})$/.exec(Buffer.from(token, 'base64url').toString());
  return match ? Number(match[1]) : undefined;
}

/** `Y-m-d` is midnight, so an `endOn` of today holds nothing of today. NaN when it is no date. */
function readDate(text: string | undefined): number | undefined {
  return text === undefined ? undefined : new Date(text).getTime();
}
