import { randomBytes, randomInt } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { FaultPlace, Faults } from './faults.ts';
import { bankPage, returnPage, messagePage } from './pages.ts';

// Behpardakht Mellat as its manuals (1.21 to 1.39, Refund 1.0) tell it: one SOAP 1.1 address, parameters in a fixed order, a code or
// `0, reference` in the element `return`. Any terminal is taken, but no user whose name begins with `wrong`.

const attemptsMax = 20_000;
const cardHolderPan = '603799*****0006';
const verifyWindowMs = 20 * 60_000;
/** After this verified money is settled by itself and can't be reversed any more. */
const reverseWindowMs = 3 * 60 * 60_000;
const namespace = 'http://interfaces.core.sw.bps.com/';

const credentials = ['terminalId', 'userName', 'userPassword', 'orderId'];
const ofSale = [...credentials, 'saleOrderId', 'saleReferenceId'];
const ofRefund = [...credentials, 'refundOrderId', 'refundReferenceId'];
const operations = {
  bpPayRequest: {
    place: 'request',
    params: [...credentials, 'amount', 'localDate', 'localTime', 'additionalData', 'callBackUrl', 'payerId'],
  },
  bpVerifyRequest: { place: 'verify', params: ofSale },
  bpSettleRequest: { place: 'settle', params: ofSale },
  bpInquiryRequest: { place: 'inquiry', params: ofSale },
  bpReversalRequest: { place: 'refund', params: ofSale },
  bpRefundRequest: { place: 'refund', params: [...ofSale, 'refundAmount'] },
  bpRefundVerifyRequest: { place: 'inquiry', params: ofRefund },
  bpRefundInquiryRequest: { place: 'inquiry', params: ofRefund },
} as const;
type Operation = keyof typeof operations;
const Operation = z.enum(Object.keys(operations) as Operation[]);
const stringParams = new Set(['userName', 'userPassword', 'localDate', 'localTime', 'additionalData', 'callBackUrl']);

/** What the bank knows of a payment beyond its attempt. Longs are texts, for some are greater than any safe number. */
interface Sale {
  attempt: BankAttempt;
  orderId: string;
  referenceId: string;
  resCode: string;
  verifiedAtMs: number;
  isSettled: boolean;
}

export function createBehpardakhtBank(faults: Faults): Bank {
  const attempts = new Map<string, BankAttempt>();
  const sales = new Map<string, Sale>();
  const byReference = new Map<string, Sale>();
  /** Numbers of purchases and refunds: none is taken twice on a terminal. */
  const usedOrderIds = new Set<string>();
  const refunds = new Map<string, { terminalId: string; referenceId: string }>();

  /** As it is by now: the bank gives unverified money back, and settles what was verified long ago. */
  function find(refId: string): Sale | undefined {
    const sale = sales.get(refId);
    if (!sale) return undefined;
    const { attempt } = sale;
    if (attempt.status === 'PAID' && Date.now() - (attempt.paidAtMs ?? 0) > verifyWindowMs) attempt.status = 'REVERSED';
    if (attempt.status === 'VERIFIED' && Date.now() - sale.verifiedAtMs > reverseWindowMs) sale.isSettled = true;
    return sale;
  }

  /** Only a sale that was paid, under both of its numbers and at its own terminal. */
  function findPaid(params: Record<string, string>): Sale | undefined {
    const sale = byReference.get(params['saleReferenceId'] ?? '');
    const isPaid = sale?.orderId === params['saleOrderId'] && sale?.attempt.paidAtMs !== undefined;
    return isPaid && sale.attempt.merchantId === params['terminalId'] ? find(sale.attempt.authority) : undefined;
  }

  function begin(params: Record<string, string>): string {
    const { terminalId = '', orderId = '', additionalData = '', callBackUrl = '' } = params;
    const amount = Number(params['amount']);
    if (amount < 1 || !Number.isSafeInteger(amount)) return '25';
    if (!/^\d{4}(0[1-9]|1[0-2])([0-2]\d|3[01])$/.test(params['localDate'] ?? '')) return '35';
    if (!/^([01]\d|2[0-3])[0-5]\d[0-5]\d$/.test(params['localTime'] ?? '') || additionalData.length > 1_000)
      return '32';
    if (!URL.canParse(callBackUrl)) return '62';
    if (usedOrderIds.has(`${terminalId} ${orderId}`)) return '41';
    usedOrderIds.add(`${terminalId} ${orderId}`);
    const refId = randomBytes(10).toString('base64url').replace(/[-_]/g, 'x');
    const attempt: BankAttempt = {
      authority: refId,
      merchantId: terminalId,
      amountRial: amount,
      amount,
      description: additionalData,
      callbackUrl: callBackUrl,
      orderId,
      status: 'IN_BANK',
      refId: randomInt(100_000_000_000, 200_000_000_000),
      createdAt: new Date().toISOString(),
      paidAtMs: undefined,
    };
    const sale: Sale = {
      attempt,
      orderId,
      referenceId: newReference(),
      resCode: '',
      verifiedAtMs: 0,
      isSettled: false,
    };
    attempts.set(refId, attempt);
    sales.set(refId, sale);
    byReference.set(sale.referenceId, sale);
    if (attempts.size > attemptsMax)
      for (const [oldest, { referenceId }] of sales) {
        attempts.delete(oldest);
        sales.delete(oldest);
        byReference.delete(referenceId);
        break;
      }
    return `0, ${refId}`;
  }

  /** What the bank answers, once it has done it. */
  function perform(operation: Operation, params: Record<string, string>): string {
    if (params['userName']?.startsWith('wrong')) return '24';
    if (operation === 'bpPayRequest') return begin(params);
    if (operation === 'bpRefundVerifyRequest' || operation === 'bpRefundInquiryRequest') {
      const refund = refunds.get(`${params['terminalId']} ${params['refundOrderId']}`);
      return refund?.referenceId === params['refundReferenceId'] ? '0' : '49';
    }
    const sale = findPaid(params);
    if (!sale) return '42';
    const { attempt } = sale;
    if (attempt.status === 'REVERSED') return '48';
    switch (operation) {
      case 'bpVerifyRequest':
        if (attempt.status === 'VERIFIED') return '43';
        attempt.status = 'VERIFIED';
        sale.verifiedAtMs = Date.now();
        return '0';
      case 'bpInquiryRequest':
        return sale.isSettled ? '45' : attempt.status === 'VERIFIED' ? '43' : '0';
      case 'bpSettleRequest':
        if (attempt.status !== 'VERIFIED') return '44';
        if (sale.isSettled) return '45';
        sale.isSettled = true;
        return '0';
      case 'bpReversalRequest':
        if (attempt.status !== 'VERIFIED') return '44';
        if (sale.isSettled) return '45';
        attempt.status = 'REVERSED';
        return '0';
      case 'bpRefundRequest':
        return refund(sale, params);
    }
  }

  function refund(sale: Sale, { terminalId = '', orderId = '', refundAmount = '' }: Record<string, string>): string {
    const amountRial = Number(refundAmount);
    if (!sale.isSettled) return '46';
    if (amountRial < 1) return '25';
    const { attempt } = sale;
    const refundedRial = (attempt.refundedRial ?? 0) + amountRial;
    if (refundedRial > attempt.amountRial) return '19';
    if (usedOrderIds.has(`${terminalId} ${orderId}`)) return '41';
    usedOrderIds.add(`${terminalId} ${orderId}`);
    attempt.refundedRial = refundedRial;
    const referenceId = newReference();
    refunds.set(`${terminalId} ${orderId}`, { terminalId, referenceId });
    return `0, ${referenceId}`;
  }

  /** A name without a reference where nothing was paid; a paid one is told again, whatever is clicked. */
  function decide(
    refId: string,
    outcome: 'pay' | 'fail' | 'cancel',
  ): { method: 'POST'; url: string; form: Record<string, string> } | undefined {
    const sale = find(refId);
    if (!sale) return undefined;
    const { attempt } = sale;
    if (attempt.status === 'IN_BANK' || attempt.status === 'FAILED') {
      attempt.status = outcome === 'pay' ? 'PAID' : 'FAILED';
      sale.resCode = { pay: '0', fail: '12', cancel: '17' }[outcome];
      if (outcome === 'pay') attempt.paidAtMs = Date.now();
    }
    const form: Record<string, string> = { RefId: refId, ResCode: sale.resCode, SaleOrderId: sale.orderId };
    if (attempt.paidAtMs !== undefined) {
      form['SaleReferenceId'] = sale.referenceId;
      form['CardHolderPan'] = cardHolderPan;
      form['CardHolderInfo'] = 'a68349c62ed970266a6f8dc982e082eaf5088c4565559614855829557486b9c9';
    }
    return { method: 'POST', url: attempt.callbackUrl, form };
  }

  /** True when a fault has answered in place of the bank. */
  async function isStruck(place: FaultPlace, reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(place, ['slow', 'error', 'garbage', 'down']);
    if (mode === 'error') await sendFault(reply, 'soap:Server', 'Internal error');
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else return false;
    return true;
  }

  function register(server: FastifyInstance): void {
    // In a scope of its own: only this bank is spoken to in XML.
    void server.register((scope, _options, done) => {
      scope.addContentTypeParser('text/xml', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
      scope.post('/behpardakht/pgwchannel/services/pgw', async (request, reply) => {
        const call = readCall(request.body);
        if (!call) return sendFault(reply, 'soap:Client', 'Unmarshalling Error: unexpected element');
        const { operation, params } = call;
        const place: FaultPlace = `behpardakht.${operations[operation].place}`;
        if (await isStruck(place, reply)) return reply;
        const answer = perform(operation, params);
        const isDone = answer.startsWith('0');
        if (isDone && (await faults.strike(place, ['lose-answer']))) {
          reply.raw.destroy();
          return reply;
        }
        if (isDone && operation === 'bpVerifyRequest' && (await faults.strike(place, ['verified-before'])))
          return sendReturn(reply, operation, '43');
        return sendReturn(reply, operation, answer);
      });
      done();
    });

    server.post<{ Body: { RefId?: string } }>('/behpardakht/pgwchannel/startpay.mellat', async (request, reply) => {
      const sale = find(request.body?.RefId ?? '');
      reply.type('text/html');
      if (!sale) return reply.status(404).send(notFoundPage());
      return reply.send(bankPage(sale.attempt, `/behpardakht/pgwchannel/pay/${sale.attempt.authority}`));
    });

    server.post<{ Params: { refId: string }; Body: { outcome?: string } }>(
      '/behpardakht/pgwchannel/pay/:refId',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.params.refId, outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        reply.type('text/html');
        if (!next || !outcome.success) return reply.status(404).send(notFoundPage());
        if (outcome.data === 'pay-and-close')
          return reply.send(
            messagePage(
              'پرداخت شد و صفحه به فروشگاه برنمی‌گردد',
              'خریدار صفحه بانک را بسته است. پولی که فروشگاه تأیید نکند تا ۲۰ دقیقه دیگر برمی‌گردد.',
            ),
          );
        if ((await faults.strike('behpardakht.callback', ['slow', 'duplicate'])) === 'duplicate')
          await fetch(next.url, {
            method: 'POST',
            body: new URLSearchParams(next.form),
            redirect: 'manual',
          }).catch(() => undefined);
        return reply.send(returnPage(next.url, next.form));
      },
    );
  }

  return { attempts, decide, register };
}

/** Greater than any safe number, as the bank's longs may be. */
function newReference(): string {
  return `1279${randomInt(1_000_000, 10_000_000)}${randomInt(1_000_000, 10_000_000)}`;
}

/** Undefined unless the operation, its namespace, and its parameters in their order are those of the bank's description. */
function readCall(body: unknown): { operation: Operation; params: Record<string, string> } | undefined {
  const xml = typeof body === 'string' ? body : '';
  const called = /<(?:\w+:)?Body>\s*<(?:\w+:)?(bp\w+)[^>]*>(.*?)<\/(?:\w+:)?\1>\s*<\/(?:\w+:)?Body>/s.exec(xml);
  const operation = Operation.safeParse(called?.[1]);
  if (!operation.success || !xml.includes(`"${namespace}"`)) return undefined;
  const given = [...(called?.[2] ?? '').matchAll(/<(\w+)>([^<]*)<\/\1>/g)];
  const { params } = operations[operation.data];
  const isInOrder = given.length === params.length && given.every(([, name], index) => name === params[index]);
  const hasLongs = given.every(([, name = '', value = '']) => stringParams.has(name) || /^\d{1,19}$/.test(value));
  if (!isInOrder || !hasLongs) return undefined;
  return {
    operation: operation.data,
    params: Object.fromEntries(given.map(([, name = '', value = '']) => [name, unescape(value)])),
  };
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

function envelope(body: string): string {
  return `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`;
}

function sendReturn(reply: FastifyReply, operation: Operation, answer: string): FastifyReply {
  const response = `<ns1:${operation}Response xmlns:ns1="${namespace}"><return>${answer}</return></ns1:${operation}Response>`;
  return reply.type('text/xml; charset=UTF-8').send(envelope(response));
}

function sendFault(reply: FastifyReply, code: string, text: string): FastifyReply {
  const fault = `<soap:Fault><faultcode>${code}</faultcode><faultstring>${text}</faultstring></soap:Fault>`;
  return reply.status(500).type('text/xml; charset=UTF-8').send(envelope(fault));
}

function notFoundPage(): string {
  return messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.');
}
