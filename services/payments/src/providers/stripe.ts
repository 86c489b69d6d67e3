import { AsyncLocalStorage } from 'node:async_hooks';
import { assertNoTransaction } from '@kelid/service/database';
import Stripe from 'stripe';
import { z } from 'zod';
import { parseJson } from '@kelid/service/outside-http';
import { createPspHttp } from './psp-http.ts';
import type { AskedAttempt, InquiryAnswer, PspProvider, RefundAnswer, VerifyAnswer, WebhookHint } from './psp.ts';

// Stripe by its own client: a Checkout Session on Stripe's page, whose payment intent holds the money on the card until verify captures it.
// The money is in Stripe's currency; what was asked for is kept in the attempt's terms, and nothing else is ever taken for our amount.
const sessionIdShape = /^cs_(test|live)_[A-Za-z0-9]{8,150}$/;
const intentIdShape = /^pi_[A-Za-z0-9]{8,100}$/;

const timeoutMs = 8_000;
/** The least that Stripe takes is half an hour; a little more, because its clock is not ours. */
const pageOpenSeconds = 35 * 60;
const webhookToleranceSeconds = 300;

// What the client itself can read without breaking: an object, with an error when the status says so, and only then.
const Envelope = z.looseObject({
  error: z.looseObject({ type: z.string(), code: z.string().nullish() }).optional(),
});
const Requested = z.looseObject({ id: z.string().regex(sessionIdShape), url: z.url({ protocol: /^https?$/ }) });
const Card = z.looseObject({ last4: z.string().max(4).nullish(), fingerprint: z.string().max(100).nullish() });
const Intent = z.looseObject({
  id: z.string().regex(intentIdShape),
  status: z.string(),
  amount: z.int(),
  amount_received: z.int(),
  currency: z.string(),
  metadata: z.record(z.string(), z.string()),
  // Money that was taken is recorded whatever shape the card's description has.
  latest_charge: z
    .looseObject({ payment_method_details: z.looseObject({ card: Card.nullish() }) })
    .nullish()
    .catch(null),
});
type Intent = z.infer<typeof Intent>;
const Session = z.looseObject({
  id: z.string(),
  status: z.string().nullable(),
  amount_total: z.int().nullable(),
  currency: z.string().nullable(),
  payment_intent: Intent.nullable(),
});
const List = z.looseObject({ data: z.array(z.unknown()), has_more: z.boolean() });
const Refund = z.looseObject({
  id: z.string().min(1).max(100),
  status: z.string(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
const Event = z.looseObject({
  type: z.string(),
  livemode: z.boolean(),
  data: z.looseObject({ object: z.record(z.string(), z.unknown()) }),
});
/** What was agreed at the request, as the attempt's row keeps it. */
const Terms = z.object({ attemptId: z.uuid(), currency: z.string(), amountMinor: z.string().regex(/^\d{1,15}$/) });
type Terms = z.infer<typeof Terms>;

export function createStripe(options: {
  baseUrl: string;
  secretKey: string;
  currency: string;
  /** Whole Rial for one smallest unit of the currency. */
  rialPerMinor: number;
  webhookSecrets: string[];
}): PspProvider {
  const isLive = options.secretKey.includes('_live_');
  const http = createPspHttp({ psp: 'stripe', baseUrl: options.baseUrl });
  // The client hands no signal on.
  const callerSignal = new AsyncLocalStorage<AbortSignal | undefined>();
  const stripe = new Stripe(options.secretKey, {
    httpClient: Stripe.createFetchHttpClient(send),
    // The sweep asks again, where it matters by keys made of our own ids; the client's own would die with the call.
    maxNetworkRetries: 0,
    telemetry: false,
  });

  /** The client's way out: to the configured address and within the limits of every bank. What the client would stumble over is no answer. */
  async function send(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    headers.delete('content-length'); // Counted anew.
    const answer = await http.send({
      method: init.method === 'GET' ? 'GET' : 'POST',
      path: pathname + search,
      headers: Object.fromEntries(headers),
      ...(typeof init.body === 'string' && init.method !== 'GET' ? { text: init.body } : {}),
      timeoutMs,
      signal: callerSignal.getStore(),
    });
    const envelope = Envelope.safeParse(answer && parseJson(answer.text));
    if (!answer || !envelope.success || answer.status < 300 !== (envelope.data.error === undefined))
      throw new Error('There was no readable answer');
    return new Response(answer.text, { status: answer.status });
  }

  /** What Stripe answered, its own error among that. */
  async function ask(call: () => Promise<unknown>, signal?: AbortSignal): Promise<unknown> {
    assertNoTransaction('stripe');
    try {
      return await callerSignal.run(signal, call);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeError) return error;
      throw error;
    }
  }

  /** Undefined when there was no readable answer. */
  async function findSession(pspToken: string, signal?: AbortSignal) {
    const expand = ['payment_intent.latest_charge'];
    const session = Session.safeParse(await ask(() => stripe.checkout.sessions.retrieve(pspToken, { expand }), signal));
    return session.success && session.data.id === pspToken ? session.data : undefined;
  }

  /** Closes the page where nobody pays at this moment; answers how it is then. */
  async function closePage({ pspToken, terms }: AskedAttempt) {
    const session = await findSession(pspToken);
    if (session?.status !== 'open' || stateOf(session) !== 'in-bank') return session;
    const idempotencyKey = `expire-${terms['attemptId'] ?? pspToken}`;
    await ask(() => stripe.checkout.sessions.expire(pspToken, {}, { idempotencyKey }));
    return findSession(pspToken);
  }

  async function askRefund(
    attempt: AskedAttempt,
    refundId: string,
    amountRial: number,
    refusalIn: typeof refusalOf,
  ): Promise<RefundAnswer> {
    const { pspReference } = attempt;
    const terms = Terms.safeParse(attempt.terms);
    if (!terms.success || pspReference === null) return { kind: 'refused', pspCode: 'not-captured' };
    const amount = shareOf(terms.data, amountRial, attempt.amountRial);
    if (amount === 0) return { kind: 'refused', pspCode: 'below-the-smallest-unit' };
    const metadata = { refund_id: refundId, attempt_id: terms.data.attemptId };
    const answer = await ask(() =>
      stripe.refunds.create(
        { payment_intent: pspReference, amount, metadata },
        { idempotencyKey: `refund-${refundId}` },
      ),
    );
    const pspCode = refusalIn(answer);
    if (pspCode !== undefined) return { kind: 'refused', pspCode };
    const refund = Refund.safeParse(answer);
    if (!refund.success) return { kind: 'unknown' };
    const { id, status } = refund.data;
    const became = becameOf(status);
    if (became === 'done') return { kind: 'done', reference: id };
    return became === 'not-done' ? { kind: 'refused', pspCode: status } : { kind: 'unknown' };
  }

  return {
    psp: 'stripe',
    // Cards hold the money for five to seven days; we have captured or given up long before.
    facts: {
      title: { fa: 'کارت بین‌المللی', en: 'International card' },
      verifyWindowMinutes: 4 * 24 * 60,
      isFound: true,
      isByChoice: true,
    },
    isOffered: () => http.isOffered(),

    async request(attempt, signal) {
      const { attemptId, orderNumber, callbackUrl } = attempt;
      const amountMinor = minorOf(attempt.amountRial, options.rialPerMinor);
      // Stripe puts its own id in place of the braces, so they are not encoded.
      const backUrl = (came: 'paid' | 'back') => `${callbackUrl}?came=${came}&session_id={CHECKOUT_SESSION_ID}`;
      const metadata = { attempt_id: attemptId, order_number: orderNumber };
      const answer = await ask(
        () =>
          stripe.checkout.sessions.create(
            {
              mode: 'payment',
              payment_method_types: ['card'],
              line_items: [
                {
                  quantity: 1,
                  price_data: {
                    currency: options.currency,
                    unit_amount: amountMinor,
                    product_data: { name: `Kelid ${orderNumber}` },
                  },
                },
              ],
              // In another currency than ours the amounts could not be compared.
              adaptive_pricing: { enabled: false },
              payment_intent_data: { capture_method: 'manual', metadata },
              client_reference_id: attemptId,
              metadata,
              success_url: backUrl('paid'),
              cancel_url: backUrl('back'),
              expires_at: Math.floor(Date.now() / 1000) + pageOpenSeconds,
            },
            { idempotencyKey: `request-${attemptId}` },
          ),
        signal,
      );
      const pspCode = refusalOf(answer);
      if (pspCode !== undefined) return { kind: 'refused', pspCode };
      const requested = Requested.safeParse(answer);
      if (!requested.success) return { kind: 'unknown' };
      return {
        kind: 'accepted',
        pspToken: requested.data.id,
        redirectUrl: requested.data.url,
        terms: { attemptId, currency: options.currency, amountMinor: String(amountMinor) },
      };
    },

    parseCallback({ session_id: pspToken, came }) {
      if (pspToken === undefined || !sessionIdShape.test(pspToken)) return undefined;
      return came === 'back' ? { pspToken, claimsSuccess: false, proof: { came } } : { pspToken, claimsSuccess: true };
    },

    parseWebhook(body, headers) {
      const signature = headers['stripe-signature'] ?? '';
      for (const secret of options.webhookSecrets) {
        let signed: unknown;
        try {
          signed = stripe.webhooks.constructEvent(body, signature, secret, webhookToleranceSeconds);
        } catch {
          continue; // Not by this secret, too old, or nothing that can be read.
        }
        const event = Event.safeParse(signed);
        return event.success && event.data.livemode === isLive ? hintOf(event.data) : 'irrelevant';
      }
      return 'refused';
    },

    async verify(attempt): Promise<VerifyAnswer> {
      const terms = Terms.safeParse(attempt.terms);
      const session = await findSession(attempt.pspToken);
      if (!session || !terms.success) return { kind: 'unknown' };
      const intent = session.payment_intent;
      if (intent?.status === 'succeeded' || intent?.status === 'requires_capture') {
        const { attemptId, currency, amountMinor } = terms.data;
        if (intent.metadata['attempt_id'] !== attemptId) return { kind: 'mismatch', pspCode: 'another attempt' };
        for (const told of [
          { amount: session.amount_total, currency: session.currency },
          { amount: intent.amount, currency: intent.currency },
        ])
          if (told.currency !== currency || String(told.amount) !== amountMinor)
            return { kind: 'mismatch', pspCode: `amount ${told.amount} ${told.currency}` };
        if (intent.status === 'succeeded') return judge(intent, terms.data, true);
        // Without a key: what is captured cannot be captured again, and under a key Stripe would repeat a fault of its own for a day.
        const captured = Intent.safeParse(
          await ask(() =>
            stripe.paymentIntents.capture(intent.id, {
              amount_to_capture: Number(amountMinor),
              expand: ['latest_charge'],
            }),
          ),
        );
        const isDone = captured.success && captured.data.id === intent.id && captured.data.status === 'succeeded';
        return isDone ? judge(captured.data, terms.data, false) : { kind: 'unknown' };
      }
      // On an open page a refused card may be followed by another one that is not.
      return isOver(session) ? { kind: 'declined', pspCode: intent?.status ?? 'expired' } : { kind: 'unknown' };
    },

    async inquire(attempt, signal): Promise<InquiryAnswer> {
      // Whoever turned back is told so at once, and leaves no page behind that could still be paid.
      const session = await (attempt.proof['came'] === 'back'
        ? closePage(attempt)
        : findSession(attempt.pspToken, signal));
      return session ? stateOf(session) : 'unknown';
    },

    async closePage(attempt) {
      await closePage(attempt);
    },

    async letGo(attempt) {
      let session = await closePage(attempt);
      const intent = session?.payment_intent;
      if (intent?.status === 'requires_capture' && intent.metadata['attempt_id'] === attempt.terms['attemptId']) {
        // Without a key, as the capture: what is cancelled cannot be cancelled again, and how it is then is looked at.
        await ask(() => stripe.paymentIntents.cancel(intent.id, { cancellation_reason: 'abandoned' }));
        session = await findSession(attempt.pspToken);
      }
      if (!session) return 'unknown';
      if (isOver(session)) return 'gone';
      return stateOf(session) === 'verified' ? 'taken' : 'unknown';
    },

    refund: (attempt, { refundId, amountRial }) => askRefund(attempt, refundId, amountRial, refusalOf),

    async inquireRefund(attempt, { refundId, amountRial }) {
      const { pspReference } = attempt;
      if (pspReference === null) return 'not-done';
      const list = List.safeParse(await ask(() => stripe.refunds.list({ payment_intent: pspReference, limit: 100 })));
      if (!list.success) return 'unknown';
      const refunds = list.data.data.map((item) => Refund.safeParse(item));
      const found = refunds.find((refund) => refund.data?.metadata?.['refund_id'] === refundId);
      if (found?.data) return becameOf(found.data.status);
      if (list.data.has_more || refunds.some((refund) => !refund.success)) return 'unknown';
      // Nothing of it is there, or not yet: by its key the same refund is answered again, and at most made once.
      const again = await askRefund(attempt, refundId, amountRial, refusalOfKnownKey);
      if (again.kind === 'refused') return 'not-done';
      return again.kind;
    },

    async listUnverified(signal) {
      const list = List.safeParse(
        await ask(
          () => stripe.checkout.sessions.list({ status: 'complete', limit: 100, expand: ['data.payment_intent'] }),
          signal,
        ),
      );
      return (list.data?.data ?? []).flatMap((item) => {
        const session = Session.safeParse(item);
        return session.data?.payment_intent?.status === 'requires_capture' ? [session.data.id] : [];
      });
    },
  };
}

/** Rounded up, so that the shop never gets less than the order's amount. */
function minorOf(amountRial: number, rialPerMinor: number): number {
  const rest = amountRial % rialPerMinor;
  return (amountRial - rest) / rialPerMinor + (rest > 0 ? 1 : 0);
}

/** The part of what was charged that belongs to a part of the Rial. Rounded down: all parts together are never more than the whole. */
function shareOf({ amountMinor }: Terms, partRial: number, wholeRial: number): number {
  return Number((BigInt(amountMinor) * BigInt(partRial)) / BigInt(wholeRial));
}

function judge(intent: Intent, { currency, amountMinor }: Terms, wasVerifiedBefore: boolean): VerifyAnswer {
  const { id, amount_received: amount } = intent;
  if (String(amount) !== amountMinor || intent.currency !== currency)
    return { kind: 'mismatch', pspCode: `received ${amount} ${intent.currency}` };
  const card = intent.latest_charge?.payment_method_details.card;
  return {
    kind: 'approved',
    wasVerifiedBefore,
    reference: id,
    cardMasked: card?.last4 ? `************${card.last4}` : null,
    cardHash: card?.fingerprint ?? null,
  };
}

/** Nothing was paid, and nothing can be any more. */
function isOver({ status, payment_intent: intent }: z.infer<typeof Session>): boolean {
  if (intent?.status === 'canceled') return true;
  return status === 'expired' && (intent === null || intent.status === 'requires_payment_method');
}

function stateOf(session: z.infer<typeof Session>): InquiryAnswer {
  if (isOver(session)) return 'failed';
  switch (session.payment_intent?.status) {
    case 'requires_capture':
      return 'paid';
    case 'succeeded':
      return 'verified';
    case undefined:
    case 'requires_payment_method':
      return session.status === 'open' ? 'in-bank' : 'unknown';
    default:
      return 'unknown';
  }
}

function becameOf(refundStatus: string): 'done' | 'not-done' | 'unknown' {
  if (refundStatus === 'succeeded') return 'done';
  return refundStatus === 'failed' || refundStatus === 'canceled' ? 'not-done' : 'unknown';
}

/** The code of an answer after which certainly nothing was done. A reused key, a conflict or a fault of Stripe's is no such answer. */
function refusalOf(answer: unknown): string | undefined {
  const { errors } = Stripe;
  const isRefusal =
    answer instanceof errors.StripeInvalidRequestError ||
    answer instanceof errors.StripeCardError ||
    answer instanceof errors.StripeAuthenticationError ||
    answer instanceof errors.StripePermissionError ||
    answer instanceof errors.StripeRateLimitError;
  return isRefusal ? (answer.code ?? answer.rawType ?? 'refused').slice(0, 60) : undefined;
}

/** The same of a question that was asked before: who is turned away at the door hears nothing of what became of it then. */
function refusalOfKnownKey(answer: unknown): string | undefined {
  const { errors } = Stripe;
  const isTurnedAway =
    answer instanceof errors.StripeAuthenticationError ||
    answer instanceof errors.StripePermissionError ||
    answer instanceof errors.StripeRateLimitError;
  return isTurnedAway ? undefined : refusalOf(answer);
}

/** A refused card (`payment_intent.payment_failed`) is no end: the shopper may try another on the same page. */
function hintOf({ type, data: { object } }: z.infer<typeof Event>): WebhookHint | 'irrelevant' {
  const { id: pspToken, payment_intent: pspReference, status } = object;
  if (typeof pspToken === 'string' && sessionIdShape.test(pspToken)) {
    if (type === 'checkout.session.completed' || type === 'checkout.session.async_payment_succeeded')
      return { pspToken, claimsSuccess: true };
    if (type === 'checkout.session.expired' || type === 'checkout.session.async_payment_failed')
      return { pspToken, claimsSuccess: false };
  }
  if (type.startsWith('payment_intent.')) {
    const metadata = z.looseObject({ attempt_id: z.uuid() }).safeParse(object['metadata']);
    const isPaid = type === 'payment_intent.amount_capturable_updated' || type === 'payment_intent.succeeded';
    if (metadata.success && (isPaid || type === 'payment_intent.canceled'))
      return { attemptId: metadata.data.attempt_id, claimsSuccess: isPaid };
  }
  if (typeof pspReference === 'string' && intentIdShape.test(pspReference)) {
    if (type.startsWith('refund.'))
      return { pspReference, claimsSuccess: status !== 'failed' && status !== 'canceled' };
    if (type.startsWith('charge.dispute.'))
      return { pspReference, claimsSuccess: status === 'won' || status === 'warning_closed' };
  }
  return 'irrelevant';
}
