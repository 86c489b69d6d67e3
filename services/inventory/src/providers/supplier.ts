import type { OutsideCall } from '@kelid/service/outside-http';

/** What is known of one supplier, as data: the rules are the same for all. Money is in whole cents of the supplier's currency. */
export interface SupplierFacts {
  title: string;
  currency: 'EUR' | 'USD';
  /** More units than this are split into several orders. */
  unitsPerOrderMax: number;
  /** Codes can stay unfetched until they are needed, and an order given back until then. */
  canFetchLate: boolean;
  /** A person answers: asked last, and promised for a longer time. */
  isByHand?: true;
  /** How long unfetched codes can be given back; 0 when they can't by API. */
  returnHours: number;
  /** How long after delivery a bad code can be claimed; 0 when it can't by API. */
  claimHours: number;
}

/** A product key as a supplier hands it over. It lives in memory only until it is sealed, and is never logged. */
export type SecretCode =
  | { kind: 'text'; text: string }
  /** A top-up has no code: its proof that it arrived. */
  | { kind: 'receipt'; text: string }
  | { kind: 'image'; contentType: 'image/png' | 'image/jpeg' | 'image/gif'; bytes: Buffer };

export interface SuppliedUnit {
  /** The supplier's own id of this unit: matched by it, never by position. */
  ref: string;
  state: 'pending' | 'pre-order' | 'ready' | 'returned' | 'cancelled';
  /** Present only when it was fetched and `state` is `ready`. */
  code?: SecretCode;
}

/** One supplier order as the supplier tells it now. What differs from what was ordered is for the caller to refuse. */
export interface SuppliedOrder {
  supplierOrderId: string;
  /** Our reference, as it came back. */
  reference: string | null;
  /** `open` also for every status that is not known here: look again. */
  status: 'open' | 'complete' | 'cancelled' | 'refunded';
  /** Null where the supplier does not tell it. */
  productRef: string | null;
  quantity: number;
  /** What was charged for one unit. */
  unitPriceCents: number;
  /** What was charged for the whole order, with every fee; absent where the supplier does not tell it. */
  totalCents?: number;
  units: SuppliedUnit[];
  orderedAt: string | null;
  /** Where a top-up went, as the supplier tells it; absent when it does not. */
  gameAccount?: { playerId: string; zone: string | null };
}

/** A unit that a customer says is bad, as a supplier is asked about it. */
export interface Claim {
  supplierOrderId: string;
  /** Our reference of that order. */
  reference: string;
  unitRef: string;
  productRef: string;
  /** How many units the order has, and how many of them are claimed: some suppliers take back whole orders only. */
  orderQuantity: number;
  claimedCount: number;
  reason: 'already-used' | 'wrong-region' | 'invalid' | 'not-active-yet';
  note: string | null;
  /** The product key itself, where the supplier wants to be told it. */
  code: string | null;
  picture: { contentType: string; contentBase64: string } | null;
}

export type Quote =
  /** `stockCount` is 0 for what is not released yet, where orders for later were asked about. */
  { kind: 'offered'; unitPriceCents: number; stockCount: number } | { kind: 'not-sold' } | { kind: 'unknown' };

export type RefusalReason = 'out-of-stock' | 'price-moved' | 'balance-low' | 'not-authorised' | 'bad-request' | 'busy';

export type OrderAnswer =
  | { kind: 'placed'; order: SuppliedOrder }
  /** Not ordered, by its own word; `isUnsent` when we never sent the order. */
  | { kind: 'refused'; reason: RefusalReason; supplierCode: string; isUnsent?: true }
  /** Asked too often: nothing should have been ordered, and nothing is to be ordered for so long. */
  | { kind: 'not-now'; retryAfterSeconds: number }
  /** A timeout, a broken connection, a 5xx, an unreadable 2xx, a refusal without reason: it may have been ordered. Only `find` tells. */
  | { kind: 'unknown' };

export type FindAnswer =
  /** Oldest first; more than one when the supplier took the same reference twice. */
  { kind: 'found'; orders: SuppliedOrder[] } | { kind: 'nothing' } | { kind: 'unknown' };

export type FetchAnswer = { kind: 'order'; order: SuppliedOrder } | { kind: 'unknown' };

/** One call as it is kept: without anything of an order's codes. The bodies are JSON text of at most 4,000 characters. */
export type SupplierCall = OutsideCall;

/**
 * One supplier. No call throws for what a supplier answers, and no call retries by itself but for one new token after a 401. Every
 * call is told to `onCall`. Limits: 30 s for an order, 10 s else, at most 5 calls in flight, 1 MiB per answer (8 MiB with images). The
 * caller's signal ends what only reads, and the wait of an order for its turn; what was sent of an order, a return or a claim, nothing does.
 */
export interface Supplier {
  name: string;
  facts: SupplierFacts;
  /** With `allowsPreOrder` also what is sold before its day of release. */
  quote(productRef: string, allowsPreOrder?: boolean, signal?: AbortSignal): Promise<Quote>;
  /** `unitPriceMaxCents` is a hard maximum: a supplier that supports it gets it in the request. Pre-orders are bought only when asked for. */
  order(order: {
    reference: string;
    productRef: string;
    quantity: number;
    unitPriceMaxCents: number;
    allowsPreOrder: boolean;
    /** Where a top-up goes. */
    gameAccount?: { playerId: string; zone: string | null };
    signal?: AbortSignal;
  }): Promise<OrderAnswer>;
  /** By our own reference. `since` bounds the search where the supplier only has a history. */
  find(reference: string, since: Date, signal?: AbortSignal): Promise<FindAnswer>;
  /** The order now; with `withCodes` also the codes that are ready (image codes by their own call). */
  fetch(supplierOrderId: string, withCodes: boolean, signal?: AbortSignal): Promise<FetchAnswer>;
  /** Asks to give every eligible unit back; what became of it is seen by `fetch`. */
  giveBack(supplierOrderId: string): Promise<'asked' | 'refused' | 'unknown'>;
  /** Asks for a bad unit's money or another unit; absent where no call does. `refused` is final. */
  claim?(claim: Claim): Promise<'asked' | 'refused' | 'unknown'>;
  /** What became of a claim that was asked. */
  claimOutcome?(claim: Claim, signal?: AbortSignal): Promise<'granted' | 'refused' | 'open' | 'unknown'>;
  /** The nickname behind an account number of a game; absent where no call tells it. */
  checkGameAccount?(
    productRef: string,
    account: { playerId: string; zone: string | null },
    signal?: AbortSignal,
  ): Promise<{ kind: 'found'; nickname: string } | { kind: 'not-found' } | { kind: 'unknown' }>;
  /** Makes a kept call once more, if it only reads; undefined when it does not, or there was no way to make it. */
  replay(
    call: { method: string; path: string; request: string | null },
    signal?: AbortSignal,
  ): Promise<SupplierCall | undefined>;
  balance(signal?: AbortSignal): Promise<{ kind: 'known'; cents: number } | { kind: 'unknown' }>;
  /** A page of the catalogue; `nextCursor` is null at its end. */
  listProducts(
    cursor: string | null,
    signal?: AbortSignal,
  ): Promise<
    | {
        kind: 'page';
        items: {
          productRef: string;
          name: string;
          platform: string;
          region: string;
          unitPriceCents: number;
          stockCount: number;
        }[];
        nextCursor: string | null;
      }
    | { kind: 'unknown' }
  >;
  /** Whether a webhook is from this supplier, and which of our references it hints at. Never proof of anything. */
  readWebhook?(
    headers: Record<string, string | string[] | undefined>,
    body: unknown,
  ): { reference: string | null } | undefined;
  /** False while its breaker is open. */
  isUp(): boolean;
}
