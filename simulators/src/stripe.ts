import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { FaultPlace, Faults } from './faults.ts';
import { bankPage, messagePage } from './pages.ts';
import { createStripeWebhook } from './stripe-webhook.ts';
import type { SignedWebhookTarget } from './webhook-sender.ts';

// The part of Stripe's API v1 that a shop with hosted pages needs: forms with names in brackets, answers in JSON, amounts in the smallest
// unit of a currency. Any secret key is taken but one with `wrong` in it, and each sees only its own payments.

const attemptsMax = 20_000;
const authorisationMs = 7 * 24 * 60 * 60_000;
const Webhook = z.strictObject({ url: z.url(), secrets: z.array(z.string().min(1)).min(1) });

const SessionForm = z.looseObject({
  mode: z.literal('payment'),
  success_url: z.string().min(1),
  cancel_url: z.string().min(1),
  client_reference_id: z.string().max(200).optional(),
  expires_at: z.coerce.number().int(),
  'line_items[0][quantity]': z.literal('1'),
  'line_items[0][price_data][currency]': z.string().regex(/^[a-z]{3}$/),
  'line_items[0][price_data][unit_amount]': z.coerce.number().int().min(50).max(99_999_999),
  'line_items[0][price_data][product_data][name]': z.string().min(1),
  'payment_intent_data[capture_method]': z.literal('manual'),
});
const CaptureForm = z.looseObject({ amount_to_capture: z.coerce.number().int().min(1).optional() });
const RefundForm = z.looseObject({ payment_intent: z.string(), amount: z.coerce.number().int().min(1).optional() });

interface Refund {
  id: string;
  amount: number;
  metadata: Record<string, string>;
  created: number;
}

/** Its `status` is also that of the session (open, complete, expired) and of its payment intent. */
interface StripePayment extends BankAttempt {
  currency: string;
  metadata: Record<string, string>;
  intentMetadata: Record<string, string>;
  cancelUrl: string;
  pageUrl: string;
  expiresAt: number;
  intentId: string;
  chargeId: string;
  /** A card was refused, which is no end: the page takes another. */
  hasDeclined: boolean;
  refunds: Refund[];
}

interface Answer {
  status: number;
  body: object;
}

export interface StripeBank extends Bank {
  close(): void;
}

export function createStripeBank(faults: Faults, firstTarget: SignedWebhookTarget | undefined): StripeBank {
  const attempts = new Map<string, StripePayment>();
  /** What was answered under an Idempotency-Key, and to which question. */
  const answered = new Map<string, { question: string; answer: Answer }>();
  const webhook = createStripeWebhook(faults, firstTarget);

  function find(id: string): StripePayment | undefined {
    const payment = attempts.get(id);
    if (payment?.status === 'IN_BANK' && Date.now() > payment.expiresAt * 1000) payment.status = 'FAILED';
    if (payment?.status === 'PAID' && Date.now() - (payment.paidAtMs ?? 0) > authorisationMs)
      payment.status = 'REVERSED';
    return payment;
  }

  function own(request: FastifyRequest, id: string): StripePayment | undefined {
    const payment = id.startsWith('pi_') ? [...attempts.values()].find((one) => one.intentId === id) : attempts.get(id);
    return payment && payment.merchantId === keyOf(request) ? find(payment.authority) : undefined;
  }

  function decide(id: string, outcome: 'pay' | 'fail' | 'cancel'): { method: 'GET'; url: string } | undefined {
    const payment = find(id);
    if (!payment) return undefined;
    if (payment.status === 'IN_BANK' && outcome === 'pay') {
      payment.status = 'PAID';
      payment.paidAtMs = Date.now();
      void webhook.tell([
        { type: 'payment_intent.amount_capturable_updated', object: intentOf(payment) },
        { type: 'checkout.session.completed', object: sessionOf(payment) },
      ]);
    } else if (payment.status === 'IN_BANK' && outcome === 'fail') {
      payment.hasDeclined = true;
      void webhook.tell([{ type: 'payment_intent.payment_failed', object: intentOf(payment) }]);
    }
    const isPaid = payment.status === 'PAID' || payment.status === 'VERIFIED';
    const url = (isPaid ? payment.callbackUrl : payment.cancelUrl).replaceAll('{CHECKOUT_SESSION_ID}', id);
    return { method: 'GET', url };
  }

  function createSession(request: FastifyRequest, form: Record<string, string>): Answer {
    const parsed = SessionForm.safeParse(form);
    if (!parsed.success) return invalid(parsed.error);
    const { data } = parsed;
    const now = Math.floor(Date.now() / 1000);
    if (data.expires_at < now + 30 * 60 || data.expires_at > now + 24 * 60 * 60)
      return failure(400, {
        message: 'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.',
        param: 'expires_at',
      });
    const id = `cs_test_${newToken(29)}`;
    const amount = data['line_items[0][price_data][unit_amount]'];
    const currency = data['line_items[0][price_data][currency]'];
    const payment: StripePayment = {
      authority: id,
      merchantId: keyOf(request),
      amountRial: 0,
      foreignAmount: `${(amount / 100).toFixed(2)} ${currency.toUpperCase()}`,
      amount,
      currency,
      description: data['line_items[0][price_data][product_data][name]'],
      callbackUrl: data.success_url,
      cancelUrl: data.cancel_url,
      pageUrl: `${request.protocol}://${request.host}/stripe/pay/${id}`,
      orderId: data.client_reference_id,
      metadata: metadataOf(form, 'metadata'),
      intentMetadata: metadataOf(form, 'payment_intent_data[metadata]'),
      status: 'IN_BANK',
      refId: 0,
      createdAt: new Date().toISOString(),
      paidAtMs: undefined,
      expiresAt: data.expires_at,
      intentId: `pi_${newToken(12)}`,
      chargeId: `ch_${newToken(12)}`,
      hasDeclined: false,
      refunds: [],
    };
    attempts.set(id, payment);
    forgetOldest(attempts);
    return { status: 200, body: sessionOf(payment) };
  }

  function expire(payment: StripePayment): Answer {
    if (payment.status !== 'IN_BANK')
      return failure(400, { message: 'Only Checkout Sessions with a status in ["open"] can be expired.' });
    payment.status = 'FAILED';
    void webhook.tell([{ type: 'checkout.session.expired', object: sessionOf(payment) }]);
    return { status: 200, body: sessionOf(payment) };
  }

  function capture(payment: StripePayment, form: Record<string, string>): Answer {
    const parsed = CaptureForm.safeParse(form);
    if (!parsed.success) return invalid(parsed.error);
    if (payment.status !== 'PAID')
      return failure(400, {
        code: 'payment_intent_unexpected_state',
        message: `This PaymentIntent could not be captured because it has a status of ${intentStatusOf(payment)}.`,
      });
    if (parsed.data.amount_to_capture !== undefined && parsed.data.amount_to_capture !== payment.amount)
      return failure(400, { code: 'amount_too_large', param: 'amount_to_capture', message: 'Not the whole amount.' });
    payment.status = 'VERIFIED';
    void webhook.tell([{ type: 'payment_intent.succeeded', object: intentOf(payment) }]);
    return { status: 200, body: intentOf(payment, form) };
  }

  /** Frees what is held on the card. A page that is still open is expired instead. */
  function cancel(payment: StripePayment): Answer {
    if (payment.status === 'IN_BANK')
      return failure(400, { message: 'This PaymentIntent belongs to an open Checkout Session. Expire that instead.' });
    if (payment.status !== 'PAID')
      return failure(400, {
        code: 'payment_intent_unexpected_state',
        message: `You cannot cancel this PaymentIntent because it has a status of ${intentStatusOf(payment)}.`,
      });
    payment.status = 'REVERSED';
    void webhook.tell([{ type: 'payment_intent.canceled', object: intentOf(payment) }]);
    return { status: 200, body: intentOf(payment) };
  }

  function refund(request: FastifyRequest, form: Record<string, string>): Answer {
    const parsed = RefundForm.safeParse(form);
    if (!parsed.success) return invalid(parsed.error);
    const payment = own(request, parsed.data.payment_intent);
    if (!payment) return missing('payment_intent', parsed.data.payment_intent);
    const left = payment.amount - payment.refunds.reduce((sum, one) => sum + one.amount, 0);
    if (payment.status !== 'VERIFIED')
      return failure(400, { message: 'This PaymentIntent does not have a successful charge to refund.' });
    if (left === 0) return failure(400, { code: 'charge_already_refunded', message: 'It has already been refunded.' });
    const amount = parsed.data.amount ?? left;
    if (amount > left)
      return failure(400, { param: 'amount', message: `Refund amount is greater than unrefunded amount (${left})` });
    const made = {
      id: `re_${newToken(12)}`,
      amount,
      metadata: metadataOf(form, 'metadata'),
      created: Math.floor(Date.now() / 1000),
    };
    payment.refunds.unshift(made);
    void webhook.tell([{ type: 'refund.created', object: refundOf(payment, made) }]);
    return { status: 200, body: refundOf(payment, made) };
  }

  /** True when a fault has answered in place of Stripe. */
  async function isStruck(place: FaultPlace, reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(place, ['slow', 'error', 'garbage', 'down']);
    if (mode === 'error') await send(reply, failure(500, { type: 'api_error', message: 'An error on our side.' }));
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else return false;
    return true;
  }

  /** One POST: who asks, what was answered to this key before, the work, and what may go wrong with its answer. */
  async function post(
    place: FaultPlace,
    request: FastifyRequest,
    reply: FastifyReply,
    work: (form: Record<string, string>) => Answer,
  ): Promise<FastifyReply> {
    if (!isKnown(request)) return send(reply, unknownKey());
    if (await isStruck(place, reply)) return reply;
    const form = z.record(z.string(), z.string()).catch({}).parse(request.body);
    const key = request.headers['idempotency-key'];
    const slot = `${keyOf(request)} ${String(key)}`;
    const question = `${request.url} ${JSON.stringify(form)}`;
    const before = key === undefined ? undefined : answered.get(slot);
    if (before && before.question !== question)
      return send(
        reply,
        failure(400, {
          type: 'idempotency_error',
          message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.',
        }),
      );
    if (before) return send(reply.header('idempotent-replayed', 'true'), before.answer);
    const answer = work(form);
    if (answer.status >= 400) return send(reply, answer); // A refusal of what was asked is not kept.
    if (key !== undefined) answered.set(slot, { question, answer });
    forgetOldest(answered);
    if (await faults.strike(place, ['lose-answer'])) {
      reply.raw.destroy();
      return reply;
    }
    if (place === 'stripe.verify' && (await faults.strike(place, ['amount-mismatch'])))
      return send(reply, { status: 200, body: { ...answer.body, amount_received: 1 } });
    return send(reply, answer);
  }

  function register(server: FastifyInstance): void {
    type ById = { Params: { id: string }; Querystring: Record<string, string> };

    server.post('/stripe/v1/checkout/sessions', (request, reply) =>
      post('stripe.request', request, reply, (form) => createSession(request, form)),
    );
    server.post<ById>('/stripe/v1/checkout/sessions/:id/expire', (request, reply) =>
      post('stripe.inquiry', request, reply, () => {
        const payment = own(request, request.params.id);
        return payment ? expire(payment) : missing('checkout.session', request.params.id);
      }),
    );
    server.post<ById>('/stripe/v1/payment_intents/:id/capture', (request, reply) =>
      post('stripe.verify', request, reply, (form) => {
        const payment = own(request, request.params.id);
        return payment ? capture(payment, form) : missing('payment_intent', request.params.id);
      }),
    );
    server.post<ById>('/stripe/v1/payment_intents/:id/cancel', (request, reply) =>
      post('stripe.cancel', request, reply, () => {
        const payment = own(request, request.params.id);
        return payment ? cancel(payment) : missing('payment_intent', request.params.id);
      }),
    );
    server.post('/stripe/v1/refunds', (request, reply) =>
      post('stripe.refund', request, reply, (form) => refund(request, form)),
    );

    server.get<ById>('/stripe/v1/checkout/sessions/:id', async (request, reply) => {
      if (!isKnown(request)) return send(reply, unknownKey());
      if (await isStruck('stripe.inquiry', reply)) return reply;
      const payment = own(request, request.params.id);
      if (!payment) return send(reply, missing('checkout.session', request.params.id));
      // Somebody else who holds the shop's key was faster.
      if (payment.status === 'PAID' && (await faults.strike('stripe.inquiry', ['verified-before'])))
        payment.status = 'VERIFIED';
      return send(reply, { status: 200, body: sessionOf(payment, request.query) });
    });
    server.get<{ Querystring: Record<string, string> }>('/stripe/v1/checkout/sessions', async (request, reply) => {
      if (!isKnown(request)) return send(reply, unknownKey());
      if (await isStruck('stripe.inquiry', reply)) return reply;
      const limit = Number(request.query['limit'] ?? 10);
      const data = [...attempts.values()]
        .filter((one) => one.merchantId === keyOf(request))
        .map((one) => sessionOf(find(one.authority) ?? one, request.query))
        .filter((one) => request.query['status'] === undefined || one.status === request.query['status'])
        .toReversed();
      const body = { object: 'list', url: '/v1/checkout/sessions', has_more: data.length > limit };
      return send(reply, { status: 200, body: { ...body, data: data.slice(0, limit) } });
    });
    server.get<{ Querystring: Record<string, string> }>('/stripe/v1/refunds', async (request, reply) => {
      if (!isKnown(request)) return send(reply, unknownKey());
      if (await isStruck('stripe.refund', reply)) return reply;
      const payment = own(request, request.query['payment_intent'] ?? '');
      const data = payment?.refunds.map((one) => refundOf(payment, one)) ?? [];
      return send(reply, { status: 200, body: { object: 'list', url: '/v1/refunds', has_more: false, data } });
    });

    server.get<ById>('/stripe/pay/:id', async (request, reply) => {
      const payment = find(request.params.id);
      reply.type('text/html');
      if (payment?.status !== 'IN_BANK') return reply.status(404).send(closedPage());
      return reply.send(bankPage(payment, `/stripe/pay/${payment.authority}`));
    });
    server.post<ById & { Body: { outcome?: string } }>('/stripe/pay/:id', async (request, reply) => {
      const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
      const next = outcome.success
        ? decide(request.params.id, outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
        : undefined;
      if (!next) return reply.status(404).type('text/html').send(closedPage());
      if (outcome.data === 'pay-and-close')
        return reply
          .type('text/html')
          .send(messagePage('پرداخت شد و صفحه به فروشگاه برنمی‌گردد', 'خریدار صفحه بانک را بسته است.'));
      if ((await faults.strike('stripe.callback', ['slow', 'duplicate'])) === 'duplicate')
        await fetch(next.url, { redirect: 'manual' }).catch(() => undefined);
      return reply.redirect(next.url, 303);
    });
    // What Stripe's dashboard does: where events go, with which secrets.
    server.put('/banks/stripe/webhook', async (request, reply) => {
      const target = Webhook.safeParse(request.body);
      if (!target.success) return reply.status(422).send({ code: 'invalid-input', status: 422 });
      webhook.aim(target.data);
      return target.data;
    });
  }

  return { attempts, decide, register, close: () => webhook.close() };
}

function sessionOf(payment: StripePayment, query: Record<string, string> = {}) {
  const { status } = payment;
  const hasIntent = payment.hasDeclined || (status !== 'IN_BANK' && status !== 'FAILED');
  const isExpanded = Object.values(query).some((path) => /^(data\.)?payment_intent/.test(path));
  const isOpen = status === 'IN_BANK';
  return {
    id: payment.authority,
    object: 'checkout.session',
    amount_subtotal: payment.amount,
    amount_total: payment.amount,
    cancel_url: payment.cancelUrl,
    client_reference_id: payment.orderId ?? null,
    created: createdOf(payment),
    currency: payment.currency,
    customer: null,
    expires_at: payment.expiresAt,
    livemode: false,
    metadata: payment.metadata,
    mode: 'payment',
    payment_intent: !hasIntent ? null : isExpanded ? intentOf(payment, query) : payment.intentId,
    payment_method_types: ['card'],
    // Money that is only held on the card counts as unpaid until it is captured.
    payment_status: status === 'VERIFIED' ? 'paid' : 'unpaid',
    status: isOpen ? 'open' : status === 'FAILED' ? 'expired' : 'complete',
    success_url: payment.callbackUrl,
    url: isOpen ? payment.pageUrl : null,
  };
}

function intentStatusOf({ status }: StripePayment): string {
  if (status === 'PAID') return 'requires_capture';
  if (status === 'VERIFIED') return 'succeeded';
  return status === 'IN_BANK' ? 'requires_payment_method' : 'canceled';
}

function intentOf(payment: StripePayment, query: Record<string, string> = {}) {
  const isCharged = payment.paidAtMs !== undefined;
  const isExpanded = Object.values(query).some((path) => path.endsWith('latest_charge'));
  return {
    id: payment.intentId,
    object: 'payment_intent',
    amount: payment.amount,
    amount_capturable: payment.status === 'PAID' ? payment.amount : 0,
    amount_received: payment.status === 'VERIFIED' ? payment.amount : 0,
    capture_method: 'manual',
    created: createdOf(payment),
    currency: payment.currency,
    description: payment.description,
    last_payment_error:
      payment.hasDeclined && !isCharged
        ? { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline' }
        : null,
    latest_charge: !isCharged ? null : isExpanded ? chargeOf(payment) : payment.chargeId,
    livemode: false,
    metadata: payment.intentMetadata,
    payment_method_types: ['card'],
    status: intentStatusOf(payment),
  };
}

function chargeOf(payment: StripePayment) {
  return {
    id: payment.chargeId,
    object: 'charge',
    amount: payment.amount,
    currency: payment.currency,
    captured: payment.status === 'VERIFIED',
    payment_intent: payment.intentId,
    payment_method_details: {
      type: 'card',
      card: { brand: 'visa', last4: '4242', fingerprint: 'Xt5EWLLDS7FJjR1c', exp_month: 8, exp_year: 2030 },
    },
  };
}

function refundOf(payment: StripePayment, { id, amount, metadata, created }: Refund) {
  return {
    id,
    object: 'refund',
    amount,
    charge: payment.chargeId,
    created,
    currency: payment.currency,
    metadata,
    payment_intent: payment.intentId,
    reason: null,
    status: 'succeeded',
  };
}

const createdOf = (payment: StripePayment) => Math.floor(Date.parse(payment.createdAt) / 1000);
const newToken = (bytes: number) => randomBytes(bytes).toString('hex');
const keyOf = (request: FastifyRequest) => /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
const isKnown = (request: FastifyRequest) => /^(sk|rk)_(?!.*wrong)/.test(keyOf(request));

function metadataOf(form: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).flatMap(([name, value]) =>
      name.startsWith(`${prefix}[`) ? [[name.slice(prefix.length + 1, -1), value]] : [],
    ),
  );
}

function failure(status: number, error: { type?: string; code?: string; param?: string; message: string }): Answer {
  return { status, body: { error: { type: 'invalid_request_error', ...error } } };
}

function invalid(error: z.ZodError): Answer {
  const issue = error.issues[0];
  const param = issue?.path.join('.') ?? '';
  const isSmall = issue?.code === 'too_small' && param.endsWith('[unit_amount]');
  return failure(400, {
    param,
    message: issue?.message ?? 'Invalid',
    code: isSmall ? 'amount_too_small' : 'parameter_invalid',
  });
}

function missing(what: string, id: string): Answer {
  return failure(404, { code: 'resource_missing', message: `No such ${what}: '${id}'`, param: 'id' });
}

function unknownKey(): Answer {
  return failure(401, { message: 'Invalid API Key provided' });
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply
    .status(status)
    .header('request-id', `req_${newToken(7)}`)
    .send(body);
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= attemptsMax) return;
  for (const [oldest] of map) {
    map.delete(oldest);
    return;
  }
}

function closedPage(): string {
  return messagePage('این صفحه پرداخت بسته است', 'پرداخت آن انجام شده، یا مهلتش گذشته است. به فروشگاه برگردید.');
}
