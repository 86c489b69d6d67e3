import { createHash, createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Fault, Faults } from '../faults.ts';
import { supplierFaultModes } from './fault-modes.ts';
import { Stock, type StockOrder } from './stock.ts';
import { isInterrupted, sendAnswer } from './supplier-answer.ts';

// MooGold's reseller API (doc.moogold.com) for direct top-ups. A product's ref is `<product>/<variation>`. What a player is called is made
// from the number; numbers that end in 000 are nobody's.

interface Game {
  id: number;
  name: string;
  fields: string[];
  /** Name and price in USD cents of each pack. */
  packs: [name: string, cents: number][];
}

const games: Game[] = [
  {
    id: 6963,
    name: 'PUBG Mobile (Global)',
    fields: ['User ID'],
    packs: [
      ['60 UC', 86],
      ['325 UC', 432],
      ['660 UC', 865],
      ['1800 UC', 2160],
      ['3850 UC', 4320],
    ],
  },
  {
    id: 5846,
    name: 'Garena Free Fire (Global)',
    fields: ['Player ID'],
    packs: [
      ['100 Diamonds', 91],
      ['310 Diamonds', 274],
      ['520 Diamonds', 456],
      ['1060 Diamonds', 912],
      ['2180 Diamonds', 1824],
    ],
  },
  {
    id: 15145,
    name: 'Mobile Legends (Global)',
    fields: ['User ID', 'Server ID'],
    packs: [
      ['86 Diamonds', 148],
      ['172 Diamonds', 290],
      ['257 Diamonds', 430],
      ['706 Diamonds', 1140],
      ['2195 Diamonds', 3490],
    ],
  },
  {
    id: 428075,
    name: 'Genshin Impact (Global)',
    fields: ['User ID', 'Server'],
    packs: [
      ['60 Genesis Crystals', 89],
      ['330 Genesis Crystals', 444],
      ['1090 Genesis Crystals', 1333],
      ['2240 Genesis Crystals', 2667],
      ['3880 Genesis Crystals', 4444],
    ],
  },
];

/** The ref of a pack, so that other data can refer to it. */
export function mooGoldRef(game: Game, index: number): string {
  return `${game.id}/${game.id * 100 + index + 1}`;
}

const Body = z.looseObject({ path: z.string() });
const CreateOrder = z.looseObject({
  data: z.looseObject({
    category: z.coerce.string(),
    'product-id': z.coerce.string(),
    quantity: z.coerce.number().int().min(1),
  }),
  partnerOrderId: z.string().max(100).optional(),
});

export function createMooGold(faults: Faults) {
  const stock = new Stock(() => String(randomInt(10_000_000, 99_999_999)));
  const accounts = new Map<string, { playerId: string; serverId: string | undefined }>();
  for (const game of games)
    for (const [index, [name, priceCents]] of game.packs.entries())
      stock.setProduct({
        ref: mooGoldRef(game, index),
        name: `${game.name} - ${name}`,
        platform: 'Mobile',
        region: 'WORLDWIDE',
        priceCents,
        stockCount: 1_000_000,
        isPreOrder: false,
      });

  const findVariation = (variationId: string) =>
    [...stock.products.values()].find((product) => product.ref.endsWith(`/${variationId}`));

  function productDetail(reply: FastifyReply, body: Record<string, unknown>, mode: Fault['mode'] | undefined) {
    const id = String(body['product_id']);
    const variations = [...stock.products.values()].filter((product) => product.ref.startsWith(`${id}/`));
    const game = games.find((candidate) => String(candidate.id) === id);
    if (variations.length === 0 || mode === 'sold-out-404') return refuse(reply, 404, 'Product not found');
    return sendAnswer(reply, mode, 200, {
      Product_Name: game?.name ?? variations[0]?.name,
      Image_URL: '',
      Variation: variations.map((product) => ({
        variation_name: product.name,
        variation_id: Number(product.ref.split('/')[1]),
        variation_price: ((product.priceCents * (mode === 'price-jump' ? 10 : 1)) / 100).toFixed(2),
      })),
      fields: (game?.fields ?? ['User ID']).map((field) => ({ field })),
    });
  }

  function validate(reply: FastifyReply, body: Record<string, unknown>, mode: Fault['mode'] | undefined) {
    const data = z.record(z.string(), z.coerce.string()).safeParse(body['data']);
    if (!data.success) return refuse(reply, 422, 'Missing data');
    const { playerId } = accountOf(data.data);
    if (!findVariation(data.data['product-id'] ?? '')) return refuse(reply, 404, 'Product not found');
    return sendAnswer(
      reply,
      mode,
      200,
      isNobody(playerId)
        ? { status: 'false', message: 'Invalid User ID or Server' }
        : { status: 'true', message: 'User ID is valid', username: nicknameOf(playerId) },
    );
  }

  function createOrder(reply: FastifyReply, body: Record<string, unknown>, fault: Fault | undefined) {
    const mode = fault?.mode;
    const wanted = CreateOrder.safeParse(body);
    if (!wanted.success) return refuse(reply, 422, 'Missing required fields');
    const product = findVariation(wanted.data.data['product-id']);
    if (!product || wanted.data.data.category !== '1') return refuse(reply, 422, 'Invalid product');
    const account = accountOf(z.record(z.string(), z.coerce.string()).parse(wanted.data.data));
    if (account.playerId === '') return refuse(reply, 422, 'Invalid User ID');
    if (mode === 'error-422') return refuse(reply, 422, 'Something went wrong');
    if (mode === 'out-of-stock' || product.stockCount === 0) return refuse(reply, 422, 'Product is out of stock');
    const { quantity } = wanted.data.data;
    if (mode === 'balance-empty' || stock.balanceCents < product.priceCents * quantity)
      return refuse(reply, 422, 'Insufficient balance');
    const line = {
      product,
      quantity,
      requestPriceCents: product.priceCents,
      unitPriceCents: product.priceCents,
    };
    const isRefused = isNobody(account.playerId);
    const order = stock.place(
      { reference: wanted.data.partnerOrderId, lines: [line] },
      isRefused ? { mode: 'cancelled', delayMs: 50, probability: 1 } : fault,
      200,
    );
    accounts.set(order.id, account);
    return sendAnswer(reply, mode, 200, {
      status: true,
      message: 'Order successfully created!',
      account_details: { player_id: account.playerId, server_id: account.serverId, order_id: order.id },
    });
  }

  function showOrder(reply: FastifyReply, order: StockOrder | undefined, mode: Fault['mode'] | undefined) {
    if (!order || mode === 'hidden') return refuse(reply, 404, 'Order not found');
    const account = accounts.get(order.id);
    const [line] = order.lines;
    return sendAnswer(reply, mode, 200, {
      order_id: Number(order.id),
      date_created: { date: order.orderedAt.toISOString().replace('T', ' ').replace('Z', '000'), timezone: '+00:00' },
      order_status: statusOf(order),
      item: [
        {
          product: line?.product.name,
          variation_id: Number(line?.answeredRef.split('/')[1]),
          quantity: line?.quantity,
          price: ((line?.unitPriceCents ?? 0) / 100).toFixed(2),
          player_id: account?.playerId,
          ...(account?.serverId === undefined ? {} : { server_id: account.serverId }),
        },
      ],
      total: (stock.totalCents(order) / 100).toFixed(2),
    });
  }

  async function answer(request: FastifyRequest<{ Params: { '*': string } }>, reply: FastifyReply) {
    const path = request.params['*'];
    const raw = String(request.body);
    const body = Body.safeParse(parse(raw));
    if (!isSigned(request, raw, path)) return refuse(reply, 403, 'Invalid signature or unauthorized IP');
    if (!body.success || body.data.path !== path) return refuse(reply, 400, 'The path of the body is another one');
    switch (path) {
      case 'product/list_product':
        return games.map((game) => ({ ID: String(game.id), post_title: game.name }));
      case 'product/product_detail': {
        const mode = await faults.strike('moogold.products', supplierFaultModes['moogold.products']);
        return isBroken(reply, mode) ? reply : productDetail(reply, body.data, mode);
      }
      case 'product/validate': {
        const mode = await faults.strike('moogold.validate', supplierFaultModes['moogold.validate']);
        return isBroken(reply, mode) ? reply : validate(reply, body.data, mode);
      }
      case 'order/create_order': {
        const fault = await faults.take('moogold.order', supplierFaultModes['moogold.order']);
        return isBroken(reply, fault?.mode) ? reply : createOrder(reply, body.data, fault);
      }
      case 'order/order_detail':
      case 'order/order_detail_partner_id': {
        const mode = await faults.strike('moogold.find', supplierFaultModes['moogold.find']);
        if (isBroken(reply, mode)) return reply;
        const { order_id: id, partner_order_id: reference } = body.data;
        const found = [...stock.orders.values()].find((order) =>
          path === 'order/order_detail' ? order.id === String(id) : order.reference === reference,
        );
        return showOrder(reply, found && found.findableFromMs <= Date.now() ? found : undefined, mode);
      }
      case 'user/balance':
        return { currency: 'USD', balance: (stock.balanceCents / 100).toFixed(2) };
      default:
        return refuse(reply, 404, 'Unknown path');
    }
  }

  function register(server: FastifyInstance): void {
    // The signature is over the very bytes that were sent.
    void server.register(
      async (api) => {
        api.removeAllContentTypeParsers();
        api.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => done(null, text));
        api.post<{ Params: { '*': string } }>('/*', answer);
      },
      { prefix: '/moogold/wp-json/v1/api' },
    );
  }

  return { stock, register };
}

function isBroken(reply: FastifyReply, mode: Fault['mode'] | undefined): boolean {
  if (mode !== 'error') return isInterrupted(reply, mode);
  void reply.status(500).send({ err_code: 500, err_message: 'Internal server error' });
  return true;
}

/** A secret that begins with `wrong` is refused; any other is taken, if the call is signed with it. */
function isSigned(request: FastifyRequest, raw: string, path: string): boolean {
  const { authorization = '', auth, timestamp } = request.headers;
  const [, secret = ''] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':');
  if (typeof auth !== 'string' || typeof timestamp !== 'string' || secret === '' || secret.startsWith('wrong'))
    return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const expected = createHmac('sha256', secret)
    .update(raw + timestamp + path)
    .digest('hex');
  return auth.length === expected.length && timingSafeEqual(Buffer.from(auth), Buffer.from(expected));
}

function accountOf(data: Record<string, string>): { playerId: string; serverId: string | undefined } {
  return {
    playerId: data['User ID'] ?? data['Player ID'] ?? '',
    serverId: data['Server'] ?? data['Server ID'],
  };
}

function isNobody(playerId: string): boolean {
  return playerId.endsWith('000');
}

function nicknameOf(playerId: string): string {
  const names = ['Arash', 'Shirin', 'Rostam', 'Nika', 'Kaveh', 'Taraneh', 'Sohrab', 'Parisa'];
  const hash = createHash('sha256').update(playerId).digest();
  return `${names[(hash[0] ?? 0) % names.length]}_${hash.readUInt16BE(1) % 1000}`;
}

function statusOf(order: StockOrder): string {
  if (order.status === 'completed') return 'completed';
  if (order.status === 'cancelled') return 'incorrect-details';
  return order.status === 'refunded' ? 'refunded' : 'processing';
}

function refuse(reply: FastifyReply, code: number, message: string) {
  // Refusals of this supplier come with HTTP 200, but for the signature.
  return reply.status(code === 403 ? 403 : 200).send({ err_code: code, err_message: message });
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}
