import formbody from '@fastify/formbody';
import fastify from 'fastify';
import { z } from 'zod';
import { createBehpardakhtBank } from './behpardakht.ts';
import { allFaultModes, Fault, type FaultPlace, Faults } from './faults.ts';
import { createKavenegar } from './kavenegar.ts';
import { startMailInbox } from './mail.ts';
import { banksPage, homePage, mailPage, smsPage } from './pages.ts';
import { createSuppliers, type WebhookTarget } from './suppliers/control.ts';
import { createRates, RateChange } from './rates.ts';
import { createSadadBank } from './sadad.ts';
import { createStripeBank } from './stripe.ts';
import { createWebhookBank } from './webhook-bank.ts';
import type { SignedWebhookTarget } from './webhook-sender.ts';
import { createSepBank } from './sep.ts';
import { createZarinpalBank } from './zarinpal.ts';
import { createZibalBank } from './zibal.ts';

export interface Simulators {
  url: string;
  smtpPort: number;
  close(): Promise<void>;
}

/** Every outside service the shop speaks to, in one process: the banks, the SMS provider, the mailbox, the sources of rates, the suppliers, and what tells them to fail. */
export async function startSimulators(options: {
  port: number;
  smtpPort: number;
  host?: string;
  unverifiedWindowMs?: number;
  kinguinWebhook?: WebhookTarget;
  stripeWebhook?: SignedWebhookTarget;
  paymentWebhook?: SignedWebhookTarget;
}): Promise<Simulators> {
  const host = options.host ?? '127.0.0.1';
  const faults = new Faults();
  const stripe = createStripeBank(faults, options.stripeWebhook);
  const webhookBank = createWebhookBank(faults, options.paymentWebhook);
  const banks = [
    createZarinpalBank(faults, { unverifiedWindowMs: options.unverifiedWindowMs ?? 30 * 60_000 }),
    createZibalBank(faults),
    createSadadBank(faults),
    createBehpardakhtBank(faults),
    stripe,
    webhookBank,
    createSepBank(faults),
  ];
  const allAttempts = () =>
    banks.flatMap((bank) => [...bank.attempts.values()]).toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  const sms = createKavenegar(faults);
  const rates = createRates(faults);
  const suppliers = createSuppliers(faults, options.kinguinWebhook);
  const mail = await startMailInbox(faults, { host, port: options.smtpPort });
  const server = fastify({ logger: false, forceCloseConnections: true });
  await server.register(formbody);
  for (const bank of banks) bank.register(server);
  sms.register(server);
  rates.register(server);
  suppliers.register(server);

  server.get('/health', async () => ({ status: 'alive' }));
  server.get<{ Querystring: { phone?: string } }>('/sms', async (request) => ({
    items: sms.list(request.query.phone),
  }));
  server.get<{ Querystring: { to?: string } }>('/mail', async (request) => ({ items: mail.list(request.query.to) }));
  server.get('/rates', async () => rates.list());
  server.put('/rates', async (request, reply) => {
    const body = RateChange.safeParse(request.body);
    if (!body.success) return reply.status(422).type('application/problem+json').send(invalid(body.error));
    rates.set(body.data);
    return rates.list();
  });
  server.get<{ Querystring: { limit?: string } }>('/banks/attempts', async (request) => ({
    items: allAttempts().slice(0, Number(request.query.limit ?? 100)),
  }));
  server.post<{ Params: { token: string } }>('/banks/attempts/:token', async (request, reply) => {
    const body = z.strictObject({ outcome: z.enum(['pay', 'fail', 'cancel']) }).safeParse(request.body);
    if (!body.success) return reply.status(422).type('application/problem+json').send(invalid(body.error));
    const { outcome } = body.data;
    const { token } = request.params;
    const next = banks.find((bank) => bank.attempts.has(token))?.decide(token, outcome);
    if (!next)
      return reply
        .status(404)
        .type('application/problem+json')
        .send({ type: '/problems/not-found', title: 'No such attempt', status: 404, code: 'not-found' });
    return next;
  });
  server.get('/faults', async () => faults.list());
  server.put<{ Params: { name: string } }>('/faults/:name', async (request, reply) => {
    const place = z.enum(Object.keys(allFaultModes) as FaultPlace[]).safeParse(request.params.name);
    if (!place.success) return reply.status(422).type('application/problem+json').send(invalid(place.error));
    const fault = Fault.extend({ mode: z.enum(allFaultModes[place.data]) }).safeParse(request.body);
    if (!fault.success) return reply.status(422).type('application/problem+json').send(invalid(fault.error));
    faults.set(place.data, fault.data);
    return faults.list();
  });
  server.delete('/faults', async (_request, reply) => {
    faults.clear();
    return reply.status(204).send();
  });

  server.get('/', async (_request, reply) => reply.type('text/html').send(homePage()));
  server.get('/inbox/sms', async (_request, reply) => reply.type('text/html').send(smsPage(sms.list(undefined))));
  server.get('/inbox/mail', async (_request, reply) => reply.type('text/html').send(mailPage(mail.list(undefined))));
  server.get('/banks', async (_request, reply) => reply.type('text/html').send(banksPage(allAttempts().slice(0, 50))));

  const url = await server.listen({ host, port: options.port });
  return {
    url,
    smtpPort: mail.port,
    close: async () => {
      suppliers.close();
      stripe.close();
      webhookBank.close();
      await server.close();
      await mail.close();
    },
  };
}

function invalid(error: z.ZodError) {
  return {
    type: '/problems/invalid-input',
    title: 'Some fields are not right',
    status: 422,
    code: 'invalid-input',
    errors: error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
  };
}
