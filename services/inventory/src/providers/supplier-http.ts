import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Breaker } from '@kelid/service/breaker';
import { assertNoTransaction } from '@kelid/service/database';
import type { SupplierCall } from './supplier.ts';

const inFlightMax = 5;
const answerBytesMax = 1024 * 1024;
/** Pictures of codes come as base64 inside JSON; of lists it isn't known how long a page is. */
export const longAnswerBytesMax = 8 * 1024 * 1024;
const keptMax = 4_000;
/** What may be kept of a body: nobody can list all the names that a supplier may find for a code, a credential or a person. */
const keptNames = new Set(
  `allowPreOrder orderId clientOrderId orderExternalId productId offerId kinguinId quantity qty textQty totalQty item_count price unitPrice
  totalPrice requestPrice requestTotalPrice paymentPrice balance totalToUse status kind codeId codeType keyType isPreorder createdOn createdAt
  updatedAt releaseDate propertyPath trace timestamp retryable expires_in expiresIn from to id path product_id order_id partner_order_id
  partnerOrderId category_id category product-id variation_id variation_price order_status total err_code currency`.split(
    /\s+/,
  ),
);

export interface SupplierAnswer {
  status: number;
  /** The parsed JSON; undefined when it was none. */
  body: unknown;
  /** Of a 429: for how long nothing is to be asked. */
  retryAfterSeconds?: number;
}

export interface SupplierHttp {
  /** Undefined when there was no answer: what was asked for may have been done. `unsent` when the breaker kept the call back. */
  send(request: {
    method: 'GET' | 'POST';
    path: string;
    headers: Record<string, string>;
    json?: unknown;
    form?: Record<string, string>;
    timeoutMs?: number;
    answerBytesMax?: number;
    /** Told the kept form of this call too. */
    onKept?: ((call: SupplierCall) => void) | undefined;
  }): Promise<SupplierAnswer | 'unsent' | undefined>;
  isUp(): boolean;
}

export function createSupplierHttp(options: {
  baseUrl: string;
  /** Calls of this process to this supplier; more wait their turn. */
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): SupplierHttp {
  const breaker = new Breaker();
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  let nextCallAt = 0;

  /** Evenly spaced, so that no second has more than its share. */
  async function takeTurn(): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, nextCallAt);
    nextCallAt = at + 1000 / options.callsPerSecond;
    if (at > now) await sleep(at - now);
  }

  async function enter(): Promise<void> {
    if (inFlight >= inFlightMax) await new Promise<void>((go) => waiting.push(go));
    else inFlight += 1;
  }
  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else inFlight -= 1;
  }

  return {
    isUp: () => breaker.isClosed(),
    async send({
      method,
      path,
      headers,
      json,
      form,
      onKept,
      timeoutMs = 10_000,
      answerBytesMax: bytesMax = answerBytesMax,
    }) {
      assertNoTransaction(`supplier ${path}`);
      await enter();
      await takeTurn();
      if (!breaker.tryEnter()) {
        leave();
        return 'unsent';
      }
      const startedAt = performance.now();
      let status: number | null = null;
      let text = '';
      const body = json === undefined ? form && new URLSearchParams(form).toString() : JSON.stringify(json);
      try {
        const response = await fetch(`${options.baseUrl}${path}`, {
          method,
          headers: {
            accept: 'application/json',
            ...(json === undefined ? {} : { 'content-type': 'application/json' }),
            ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body }),
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        status = response.status;
        text = await readText(response, bytesMax);
        if (status >= 500) breaker.fail();
        else breaker.succeed();
        const answer = { status, body: parseJson(text) };
        return status === 429 ? { ...answer, retryAfterSeconds: retryAfterOf(response, text) } : answer;
      } catch {
        breaker.fail();
        return undefined;
      } finally {
        leave();
        const call: SupplierCall = {
          method,
          path: path.slice(0, 500),
          status,
          durationMs: Math.round(performance.now() - startedAt),
          request: form === undefined ? keep(json, false) : null,
          answer: text === '' ? null : keep(parseJson(text), status !== null && status >= 400),
        };
        options.onCall(call);
        onKept?.(call);
      }
    },
  };
}

/** As its header says (seconds or a date), or its text; else a minute. Never less than a second, nor more than a day. */
function retryAfterOf(response: Response, text: string): number {
  const header = response.headers.get('retry-after')?.trim() ?? '';
  const told = /^\d{1,9}$/.test(header)
    ? Number(header)
    : header !== ''
      ? (Date.parse(header) - Date.now()) / 1000
      : Number(/wait (?:for )?(\d{1,9}) ?s/i.exec(text)?.[1]);
  return Number.isFinite(told) ? Math.min(Math.max(Math.ceil(told), 1), 86_400) : 60;
}

/** Stops reading at the limit, so that no answer can fill the memory. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error('The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Amounts stay as they were written: `5.790` must not become a binary fraction on its way to cents. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined
        ? context.source
        : value,
    );
  } catch {
    return undefined;
  }
}

/** Names, and what stands under the allowed ones, short. A body that was no JSON is not kept at all (A72). */
function keep(body: unknown, isRefusal: boolean): string | null {
  if (body === undefined) return null;
  const text = JSON.stringify(body, (name, value: unknown) => {
    if (typeof value !== 'string' && typeof value !== 'number') return value;
    // `code` is a product key in an answer, and the number of the reason in a refusal.
    const isReason = isRefusal && name === 'code' && typeof value === 'number' && value < 1_000_000;
    if (!isReason && !keptNames.has(name)) return '…';
    return typeof value === 'string' && value.length > 200 ? `${value.slice(0, 200)}…` : value;
  });
  return text.slice(0, keptMax);
}

/** `5.79`, 5.79, `5.790` or 5 as whole cents; undefined for what is no amount or has parts of a cent. */
export function centsOf(amount: unknown): number | undefined {
  const text = typeof amount === 'number' ? String(amount) : typeof amount === 'string' ? amount.trim() : '';
  const match = /^(\d{1,9})(?:\.(\d{1,8}))?$/.exec(text);
  if (!match) return undefined;
  const fraction = (match[2] ?? '').padEnd(2, '0');
  // Parts of a cent count as a whole one: a price is never taken for less than it is.
  const rounding = /[1-9]/.test(fraction.slice(2)) ? 1 : 0;
  return Number(match[1]) * 100 + Number(fraction.slice(0, 2)) + rounding;
}

/** A supplier's amount of money, as whole cents. */
export const Amount = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const cents = centsOf(value);
  if (cents !== undefined) return cents;
  ctx.addIssue('not an amount');
  return z.NEVER;
});

export function formatCents(cents: number): number {
  return Number(`${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`);
}

/** A supplier's text: untrusted, and never longer than anyone needs. */
export function shortText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : '';
}
