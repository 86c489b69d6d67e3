import { z } from 'zod';
import { createOutsideHttp, type OutsideAnswer, type OutsideRequest } from '@kelid/service/outside-http';
import type { SupplierCall } from './supplier.ts';

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
  /** Undefined when there was no answer: what was asked for may have been done. `unsent` when the call was kept back. */
  send(
    request: Omit<OutsideRequest, 'timeoutMs' | 'text'> & { timeoutMs?: number },
  ): Promise<SupplierAnswer | 'unsent' | undefined>;
  isUp(): boolean;
}

/** The way out to one supplier; more calls than five at a time, or in a second than are allowed, wait their turn. */
export function createSupplierHttp(options: {
  name: string;
  baseUrl: string;
  callsPerSecond: number;
  onCall: (call: SupplierCall) => void;
}): SupplierHttp {
  const { name, baseUrl, callsPerSecond, onCall } = options;
  const http = createOutsideHttp({
    name,
    baseUrl,
    callsPerSecond,
    inFlightMax: 5,
    whenFull: 'wait',
    record: {
      showRequest: (json) => keep(json, false),
      showAnswer: (text, status) => keep(parseAsWritten(text), status !== null && status >= 400),
      onCall,
    },
  });
  return {
    isUp: () => http.isUp(),
    async send({ timeoutMs = 10_000, ...request }) {
      const outcome = await http.send({ timeoutMs, ...request });
      if (typeof outcome === 'string') return outcome === 'unsent' ? outcome : undefined;
      const answer = { status: outcome.status, body: parseAsWritten(outcome.text) };
      return outcome.status === 429 ? { ...answer, retryAfterSeconds: retryAfterOf(outcome) } : answer;
    },
  };
}

/** As its header says (seconds or a date), or its text; else a minute. Never less than a second, nor more than a day. */
function retryAfterOf({ retryAfter, text }: OutsideAnswer): number {
  const header = retryAfter?.trim() ?? '';
  const told = /^\d{1,9}$/.test(header)
    ? Number(header)
    : header !== ''
      ? (Date.parse(header) - Date.now()) / 1000
      : Number(/wait (?:for )?(\d{1,9}) ?s/i.exec(text)?.[1]);
  return Number.isFinite(told) ? Math.min(Math.max(Math.ceil(told), 1), 86_400) : 60;
}

/** Amounts stay as they were written: `5.790` must not become a binary fraction on its way to cents. */
function parseAsWritten(text: string): unknown {
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
