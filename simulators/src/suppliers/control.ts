import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../faults.ts';
import { suppliersPage } from '../pages.ts';
import { createCodesWholesale } from './codeswholesale.ts';
import { createKinguin } from './kinguin.ts';
import { createMooGold } from './moogold.ts';
import type { WebhookTarget } from './kinguin-webhook.ts';
import type { Stock } from './stock.ts';
import { reportOf } from './supplier-report.ts';

export type { WebhookTarget };

const Product = z.strictObject({
  name: z.string().min(1).max(200),
  platform: z.string().min(1).max(50),
  region: z.string().min(1).max(50),
  price: z.string().regex(/^\d{1,7}(\.\d{1,2})?$/, 'must be a decimal such as 8.90'),
  stock: z.int().min(0).max(1_000_000),
  isPreOrder: z.boolean().default(false),
});
const Balance = z.strictObject({ cents: z.int().min(0) });
const Webhook = z.strictObject({ url: z.url(), secret: z.string() });

/** The suppliers, and what only a test or a person at the simulators asks of them. */
export function createSuppliers(faults: Faults, kinguinWebhook: WebhookTarget | undefined) {
  const codesWholesale = createCodesWholesale(faults);
  const kinguin = createKinguin(faults, kinguinWebhook);
  const mooGold = createMooGold(faults);
  const stocks = new Map<string, Stock>([
    ['codeswholesale', codesWholesale.stock],
    ['kinguin', kinguin.stock],
    ['moogold', mooGold.stock],
  ]);

  function register(server: FastifyInstance): void {
    codesWholesale.register(server);
    kinguin.register(server);
    mooGold.register(server);

    server.get('/suppliers', async (_request, reply) =>
      reply.type('text/html').send(
        suppliersPage([
          { title: 'CodesWholesale', report: reportOf(codesWholesale.stock) },
          { title: 'Kinguin', report: reportOf(kinguin.stock) },
          { title: 'MooGold', report: reportOf(mooGold.stock) },
        ]),
      ),
    );
    server.get<{ Params: { name: string } }>('/suppliers/:name/orders', async (request, reply) => {
      const stock = stocks.get(request.params.name);
      return stock ? reportOf(stock) : noSupplier(reply);
    });
    server.get<{ Params: { name: string } }>('/suppliers/:name/products', async (request, reply) => {
      const stock = stocks.get(request.params.name);
      return stock ? { items: [...stock.products.values()] } : noSupplier(reply);
    });
    server.put<{ Params: { name: string; ref: string } }>('/suppliers/:name/products/:ref', async (request, reply) => {
      const stock = stocks.get(request.params.name);
      const product = Product.safeParse(request.body);
      if (!stock) return noSupplier(reply);
      if (!product.success) return invalid(reply, product.error);
      const { price, stock: stockCount, ...rest } = product.data;
      const priceCents = Math.round(Number(price) * 100);
      return stock.setProduct({ ref: request.params.ref, ...rest, priceCents, stockCount });
    });
    server.put<{ Params: { name: string } }>('/suppliers/:name/balance', async (request, reply) => {
      const stock = stocks.get(request.params.name);
      const balance = Balance.safeParse(request.body);
      if (!stock) return noSupplier(reply);
      if (!balance.success) return invalid(reply, balance.error);
      stock.balanceCents = balance.data.cents;
      return balance.data;
    });
    // What the supplier's dashboard does: where events go, with which secret.
    server.put('/suppliers/kinguin/webhook', async (request, reply) => {
      const target = Webhook.safeParse(request.body);
      if (!target.success) return invalid(reply, target.error);
      kinguin.aimWebhook(target.data);
      return target.data;
    });
  }

  return {
    register,
    close: () => {
      codesWholesale.stock.close();
      mooGold.stock.close();
      kinguin.close();
    },
  };
}

function noSupplier(reply: FastifyReply) {
  return reply
    .status(404)
    .type('application/problem+json')
    .send({ type: '/problems/not-found', title: 'No such supplier', status: 404, code: 'not-found' });
}

function invalid(reply: FastifyReply, error: z.ZodError) {
  return reply
    .status(422)
    .type('application/problem+json')
    .send({
      type: '/problems/invalid-input',
      title: 'Some fields are not right',
      status: 422,
      code: 'invalid-input',
      errors: error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    });
}
