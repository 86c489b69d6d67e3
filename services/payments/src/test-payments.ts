import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Client } from '@kelid/contracts/client';
import { serviceUnavailable } from '@kelid/contracts/common';
import { paymentsContract } from '@kelid/contracts/payments';
import { deliver } from '@kelid/service/define-service';
import { newId } from '@kelid/service/ids';
import { startServices, type TestServices, userActor } from '@kelid/testing/start-service';
import type { AttemptRow } from './attempts/attempts.ts';
import type { Context } from './context.ts';
import type { AskedAttempt, PspProvider } from './providers/psp.ts';
import { paymentsService } from './service.ts';

type Row = Record<string, unknown>;

/** The bank that tests pay at. */
export function zarinpalOf({ psps }: Pick<Context, 'psps'>): PspProvider {
  if (!psps.zarinpal) throw new Error('ZarinPal is always there');
  return psps.zarinpal;
}

/** An attempt as a PSP is asked about it. */
export const asked = (pspToken: string, amountRial = 1_000): AskedAttempt => ({
  attemptNo: 7,
  pspToken,
  amountRial,
  terms: {},
  proof: {},
  pspReference: null,
  verifyCount: 1,
});

export interface TestOrder {
  orderId: string;
  customerId: string;
  amountRial: number;
}
export interface TestAttempt {
  attemptId: string;
  authority: string;
  redirectUrl: string;
}

export interface TestPayments extends TestServices {
  /** Calls as the service orders, as a browser that a bank sent back, and as a customer. */
  orders: Client<typeof paymentsContract>;
  browser: Client<typeof paymentsContract>;
  customer(customerId: string): Client<typeof paymentsContract>;
  /** Calls as a member of staff, by a name of the test; each with an idempotency key of its own. */
  staff(name: string): Client<typeof paymentsContract>;
  /** How many keys of an order inventory says were seen, and the orders all of whose keys it was told to withdraw. */
  revealed: Map<string, number>;
  withdrawn: string[];
  /** The delivered units of an order, for tests of refunds that close some of its keys. */
  units: Map<string, { keyId: string; state: 'open' | 'seen' | 'closed'; byStaff?: boolean; paidRial: number }[]>;
  /** A context of the service itself. */
  ctx(): Context;
  /** What orders answers to reviveOrder, for which orders it was asked, and whether it is away. */
  revive: { isPayable: boolean; askedFor: string[]; isAway: boolean };
  /** An order of its own customer that owes this much. */
  owe(amountRial?: number): Promise<TestOrder>;
  start(order: TestOrder): Promise<TestAttempt>;
  attempt(attemptId: string): Promise<Pick<AttemptRow, 'status' | 'verifyCount' | 'isSurplus' | 'failureReason'> & Row>;
  intentStatus(order: TestOrder): Promise<unknown>;
  /** The wait until this attempt's time comes is over; `redirectedMinutesAgo` also moves the day it went to the bank. */
  comeDue(attemptId: string, redirectedMinutesAgo?: number): Promise<void>;
  /** Data of the events of this type that wait in the outbox for an order. */
  published(type: string, orderId: string): Promise<unknown[]>;
  deliver(type: string, data: unknown, id?: string): Promise<void>;
  hasAlarm(alarm: string, attemptId?: string): boolean;
  /** The id of each invariant of db/invariants.sql that some row breaks. */
  brokenInvariants(): Promise<string[]>;
}

/** Payments alone on its own database, its sweeps driven by the test, with the bank at this address. */
export async function startPayments(bankUrl: string, env: Record<string, string> = {}): Promise<TestPayments> {
  let contextOf: (() => unknown) | undefined;
  const staffIds = new Map<string, string>();
  const revealed = new Map<string, number>();
  const withdrawn: string[] = [];
  const units: TestPayments['units'] = new Map();
  const revive = { isPayable: true, askedFor: [] as string[], isAway: false };
  const shop = await startServices({
    services: [
      {
        ...paymentsService,
        createParts(config, start) {
          contextOf = () => start.contextOf();
          return paymentsService.createParts(config, start);
        },
      },
    ],
    env: {
      RUN: 'api',
      DATABASE_POOL_MAX: '30',
      PAYMENTS_ZARINPAL_URL: bankUrl,
      PAYMENTS_CARD_HASH_SECRET: 'a secret of the test, long enough for it',
      ...env,
    },
    peerAnswers: {
      // The account's own phone, which is not the one that `owe` names for messages.
      identity: {
        getUser: ({ userId }: { userId: string }) => ({ id: userId, phone: '+989350000001', roles: ['customer'] }),
      },
      inventory: {
        withdrawKeys: (input: { orderId: string; revealedMax: number; keyIds?: string[] }) => {
          const { orderId, revealedMax, keyIds } = input;
          const sold = units.get(orderId) ?? [];
          const revealedCount =
            (revealed.get(orderId) ?? 0) + sold.filter(({ state, byStaff }) => state === 'seen' && !byStaff).length;
          const isWithdrawn = revealedMax >= revealedCount;
          if (isWithdrawn && keyIds === undefined) withdrawn.push(orderId);
          for (const unit of isWithdrawn ? sold : [])
            if (unit.state === 'open' && (keyIds ?? [unit.keyId]).includes(unit.keyId)) unit.state = 'closed';
          return {
            revealedCount,
            isWithdrawn,
            units: sold.map(({ keyId, state }, index) => ({ keyId, state, orderLineId: orderId, unitNo: index + 1 })),
          };
        },
      },
      orders: {
        getPaidUnits: ({ orderId }: { orderId: string }) => ({
          lines: [{ orderLineId: orderId, unitsRial: (units.get(orderId) ?? []).map(({ paidRial }) => paidRial) }],
        }),
        reviveOrder: ({ orderId }: { orderId: string }) => {
          revive.askedFor.push(orderId);
          if (revive.isAway) throw serviceUnavailable({ retryAfterSeconds: 5 });
          return { isPayable: revive.isPayable, status: revive.isPayable ? 'pending_payment' : 'expired' };
        },
      },
    },
  });
  const orders = shop.as(paymentsContract, { kind: 'service', name: 'orders' });
  const ctx = () => contextOf?.() as Context; // The host has made the service's parts before it answers.
  const one = async (text: string, values: unknown[]): Promise<Row> => {
    const [row] = await shop.sql('payments', text, values);
    if (!row) throw new Error(`No row: ${text}`);
    return row;
  };
  return {
    ...shop,
    orders,
    browser: shop.as(paymentsContract, { kind: 'guest' }),
    customer: (customerId) => shop.as(paymentsContract, userActor(customerId), { idempotencyKey: newId() }),
    staff: (name) => {
      const userId = staffIds.get(name) ?? newId();
      staffIds.set(name, userId);
      return shop.as(paymentsContract, userActor(userId, ['admin']), { idempotencyKey: newId() });
    },
    ctx,
    revive,
    revealed,
    withdrawn,
    units,
    async owe(amountRial = 2_500_000) {
      const order = { orderId: newId(), customerId: newId(), amountRial };
      await orders.createIntent({ ...order, orderNumber: 'KL-140508', phone: '+989121112233' });
      return order;
    },
    async start({ orderId }) {
      const started = await orders.startAttempt({ attemptId: newId(), orderId, psp: 'zarinpal' });
      const redirectUrl = started.redirectUrl ?? '';
      return { ...started, redirectUrl, authority: redirectUrl.slice(-36) };
    },
    async attempt(attemptId) {
      const row = await one(
        `select *, verify_count as "verifyCount", is_surplus as "isSurplus", failure_reason as "failureReason",
           round(extract(epoch from due_at - updated_at)) as "dueInSeconds" from payment_attempts where id = $1`,
        [attemptId],
      );
      return row as Row & AttemptRow; // The columns of the table under the names of the schema.
    },
    async intentStatus({ orderId }) {
      return (await one('select status from payment_intents where order_id = $1', [orderId]))['status'];
    },
    async comeDue(attemptId, redirectedMinutesAgo = 0) {
      await one(
        `update payment_attempts set due_at = now() - interval '1 second',
           redirected_at = redirected_at - make_interval(mins => $2), charged_before = charged_before - make_interval(mins => $2) where id = $1 returning id`,
        [attemptId, redirectedMinutesAgo],
      );
    },
    async published(type, orderId) {
      const text = `select data from outbox where type = $1 and data->>'orderId' = $2`;
      return (await shop.sql('payments', text, [type, orderId])).map((row) => row['data']);
    },
    async deliver(type, data, id = newId()) {
      await deliver(paymentsService, ctx(), { id, type, data });
    },
    hasAlarm: (alarm, attemptId = '') =>
      shop.logLines.some((line) => line.includes(`"alarm":"${alarm}"`) && line.includes(attemptId)),
    // No relay runs here.
    brokenInvariants: async () =>
      (await shop.brokenInvariants('payments'))
        .map((broken) => broken.split(':')[0] ?? '')
        .filter((id) => id !== 'I14'),
  };
}

/** What the simulated bank is told by its control API. */
export function controlOf(simulatorUrl: string) {
  const send = (method: string, path: string, body?: unknown) =>
    fetch(`${simulatorUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  return {
    /** Does what the shopper's click does; answers what the browser brings back. */
    async decide(authority: string, outcome: 'pay' | 'fail' | 'cancel'): Promise<Record<string, string>> {
      const response = await send('POST', `/banks/attempts/${authority}`, { outcome });
      const { url, form } = (await response.json()) as { url: string; form?: Record<string, string> };
      return { ...Object.fromEntries(new URL(url).searchParams), ...form };
    },
    async statusOf(authority: string): Promise<string | undefined> {
      const { items } = (await (await send('GET', '/banks/attempts')).json()) as {
        items: { authority: string; status: string }[];
      };
      return items.find((item) => item.authority === authority)?.status;
    },
    fault: (name: string, fault: { mode: string; delayMs?: number; count?: number }) =>
      send('PUT', `/faults/${name}`, fault),
    calm: () => send('DELETE', '/faults'),
  };
}

/** A payment in review: its bank told another amount. */
export async function paidOtherwise(shop: TestPayments, bank: ReturnType<typeof controlOf>, amountRial?: number) {
  const order = await shop.owe(amountRial);
  const { attemptId, authority } = await shop.start(order);
  const params = await bank.decide(authority, 'pay');
  await bank.fault('zarinpal.verify', { mode: 'amount-mismatch', count: 1 });
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params });
  if ((await shop.attempt(attemptId)).status !== 'review') throw new Error('The payment is not in review');
  return { order, attemptId };
}

/** A payment from card to card whose customer has not named a transfer yet. */
export async function startTransfer(shop: TestPayments, amountRial?: number) {
  const order = await shop.owe(amountRial);
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'card-to-card' });
  return {
    order,
    attemptId: started.attemptId,
    redirectUrl: started.redirectUrl,
    owner: shop.customer(order.customerId),
  };
}

let lastNumber = 10_000;
/** Of a transfer that nobody has named. */
export const receipt = () => ({ trackingNumber: String((lastNumber += 1)), cardLast4: '0006' });

export interface ScriptedBank {
  url: string;
  /** Each call in order: its path's last part and its body. */
  calls: { path: string; body: Record<string, unknown> }[];
  /** What the bank does with the next calls of a path, such as `verify.json`. */
  answers: Map<string, (body: Record<string, unknown>, response: ServerResponse) => void | Promise<void>>;
  close(): void;
}

/** A bank that answers exactly what a test says, for what the simulator would never do. */
export async function startScriptedBank(): Promise<ScriptedBank> {
  const calls: ScriptedBank['calls'] = [];
  const answers: ScriptedBank['answers'] = new Map();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const path = request.url?.split('/').at(-1) ?? '';
      const body = JSON.parse(text || '{}') as Record<string, unknown>;
      calls.push({ path, body });
      const answer = answers.get(path);
      if (answer) void answer(body, response);
      else response.writeHead(404).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The scripted bank has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    answers,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
