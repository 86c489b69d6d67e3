import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { orderPaid, paymentFailed, paymentRefundRefused, paymentReviewBegun } from '@kelid/contracts/events';
import { notificationsContract } from '@kelid/contracts/notifications';
import { openDatabase } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { invariantsBeside } from '@kelid/service/invariants';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { serviceActor, startServices, type TestServices, userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Context } from './context.ts';
import { onOrderEvent } from './events/on-order-event.ts';
import { notificationsService } from './service.ts';

const Inbox = z.object({ items: z.array(z.object({ text: z.string(), template: z.string().nullish() })) });
const Mailbox = z.object({
  items: z.array(z.object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string() })),
});

let simulators: Simulators;
let fallback: Simulators;
let shop: TestServices;
let database: ReturnType<typeof openDatabase>;

beforeAll(async () => {
  [simulators, fallback] = await Promise.all([
    startSimulators({ port: 0, smtpPort: 0 }),
    startSimulators({ port: 0, smtpPort: 0 }),
  ]);
  shop = await startShop();
  database = openDatabase({
    url: shop.databaseUrls['notifications']?.appUrl ?? '',
    poolMax: 10,
    log: shop.host.log,
    name: 'test',
  });
});
afterEach(async () => {
  await fetch(`${simulators.url}/faults`, { method: 'DELETE' });
});
afterAll(async () => {
  await database.close();
  await shop.close();
  await Promise.all([simulators.close(), fallback.close()]);
});

function startShop(env: Record<string, string> = {}): Promise<TestServices> {
  return startServices({
    services: [notificationsService],
    env: {
      RUN: 'api',
      NOTIFICATIONS_SECRET: 'a sealing secret of the test, long enough',
      NOTIFICATIONS_KAVENEGAR_URL: `${simulators.url}/kavenegar`,
      NOTIFICATIONS_KAVENEGAR_FALLBACK_URL: `${fallback.url}/kavenegar`,
      NOTIFICATIONS_SMTP_URL: `smtp://127.0.0.1:${simulators.smtpPort}`,
      ...env,
    },
    peerAnswers: {
      identity: {
        getUser: ({ userId }: { userId: string }) => ({ id: userId, phone: userPhone, roles: ['customer'] }),
      },
    },
  });
}

const userPhone = '+989350000001';
let lastPhone = 9_120_000_000;
const newPhone = () => `+98${(lastPhone += 1)}`;
const sweep = (at = shop) => at.host.sweep('notifications', 'send-due-messages');
const fault = (name: string, body: object) =>
  fetch(`${simulators.url}/faults/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const smsAt = async (simulator: Simulators, phone: string) =>
  Inbox.parse(await (await fetch(`${simulator.url}/sms?phone=${encodeURIComponent(phone)}`)).json()).items;
const mailTo = async (address: string) =>
  Mailbox.parse(await (await fetch(`${simulators.url}/mail?to=${encodeURIComponent(address)}`)).json()).items;
const messageTo = async (recipient: string, at = shop) => {
  const [row] = await at.sql('notifications', 'select * from messages where recipient = $1', [recipient]);
  return row;
};
/** Makes what waits due now, instead of waiting for it. */
const age = (recipient: string) =>
  shop.sql('notifications', 'update messages set due_at = now() where recipient = $1 and due_at is not null', [
    recipient,
  ]);

function sendOtp(phone: string, more: { code?: string; challengeId?: string; expiresInMs?: number } = {}, at = shop) {
  return at.as(notificationsContract, serviceActor).sendOtp({
    challengeId: more.challengeId ?? newId(),
    sendNumber: 1,
    phone,
    code: more.code ?? '482913',
    expiresAt: new Date(Date.now() + (more.expiresInMs ?? 120_000)).toISOString(),
  });
}

function orderPaidEvent(contact: { phone?: string; email?: string }, customerId = newId()) {
  const data = {
    orderId: newId(),
    orderNumber: `KLD-${newId().slice(-8)}`,
    customerId,
    version: 2,
    attemptId: newId(),
    totalRial: 5_000_000,
    contact,
    lines: [
      {
        orderLineId: newId(),
        title: { fa: 'گیفت کارت <استیم>', en: 'Steam gift card' },
        quantity: 2,
        unitPriceRial: 2_500_000,
      },
    ],
    paidAt: new Date().toISOString(),
  };
  return { id: newId(), type: orderPaid.type, data };
}
/** Delivers an event as a worker does. The handler needs no more of its context than the database. */
const deliver = (event: ReturnType<typeof orderPaidEvent>) => onOrderEvent({ db: database.db } as Context, event);

test('NT-1: a sign-in code and a receipt arrive as SMS, by their templates', async () => {
  const [forCode, forReceipt] = [newPhone(), newPhone()];
  await sendOtp(forCode, { code: '193746' });
  const [code] = await waitFor('the code', async () => {
    const found = await smsAt(simulators, forCode);
    return found.length > 0 && found;
  });
  expect(code).toMatchObject({ template: 'kelid-otp' });
  expect(code?.text).toContain('193746');

  const event = orderPaidEvent({ phone: forReceipt });
  await deliver(event);
  await sweep();
  expect(await smsAt(simulators, forReceipt)).toMatchObject([{ template: 'kelid-receipt' }]);
  expect((await smsAt(simulators, forReceipt))[0]?.text).toContain(event.data.orderNumber);
  expect(await messageTo(forReceipt)).toMatchObject({ status: 'sent', attempt_count: 1, last_error: null });
});

test('NT-1 I16: who paid and must wait for a person hears so once, and once what came of it; the order’s page hears it too', async () => {
  const amountRial = 3_141_590;
  const ref = { attemptId: newId(), orderId: newId(), customerId: newId(), amountRial };
  const begun = { id: newId(), ...paymentReviewBegun(ref) };
  const failed = { id: newId(), ...paymentFailed({ ...ref, reason: 'not in the bank', reviewedRial: amountRial }) };
  for (const event of [begun, begun, failed, failed]) await onOrderEvent({ db: database.db } as Context, event);
  await sweep();
  const about = (await smsAt(simulators, userPhone)).filter(({ text }) => text.includes('۳۱۴٬۱۵۹'));
  expect(about.map(({ template }) => template).toSorted()).toEqual(['kelid-payment-not-found', 'kelid-payment-review']);
  const told = await shop.sql('notifications', "select type from feed where data->>'orderId' = $1", [ref.orderId]);
  expect(told.map(({ type }) => type).toSorted()).toEqual(['payment.failed', 'payment.review-begun']);
});

test('NT-1 I16: whose money of a complaint was refused after it was promised hears so, once', async () => {
  const ref = { orderId: newId(), orderNumber: `KLD-${newId().slice(-8)}`, customerId: newId(), complaintId: newId() };
  const event = { id: newId(), ...paymentRefundRefused({ ...ref, refundRial: 2_718_280 }) };
  for (const again of [event, event]) await onOrderEvent({ db: database.db } as Context, again);
  await sweep();
  const about = (await smsAt(simulators, userPhone)).filter(({ text }) => text.includes(ref.orderNumber));
  expect(about).toMatchObject([{ template: 'kelid-refund-refused', text: expect.stringContaining('۲۷۱٬۸۲۸') }]);
  const told = await shop.sql('notifications', "select type from feed where data->>'orderId' = $1", [ref.orderId]);
  expect(told).toEqual([{ type: 'payment.refund-refused' }]);
});

test('NT-1: without a phone in the order its receipt goes to the phone of the account', async () => {
  const event = orderPaidEvent({});
  await deliver(event);
  await sweep();
  expect((await smsAt(simulators, userPhone)).filter((sms) => sms.text.includes(event.data.orderNumber))).toHaveLength(
    1,
  );
});

test('NT-1 F22: a provider that refuses is tried again after a pause, and the next try goes to the fallback', async () => {
  const phone = newPhone();
  await fault('sms', { mode: 'error' });
  await deliver(orderPaidEvent({ phone }));
  await sweep();
  expect(await messageTo(phone)).toMatchObject({ status: 'queued', attempt_count: 1, last_error: 'status 409' });
  expect(await sweep()).toBe(0);
  await age(phone);
  await sweep();
  expect(await messageTo(phone)).toMatchObject({ status: 'sent', attempt_count: 2 });
  expect([(await smsAt(simulators, phone)).length, (await smsAt(fallback, phone)).length]).toEqual([0, 1]);
});

test('NT-1 F22: a provider that cannot be reached is left alone after ten failures, and codes go out by the fallback at once', async () => {
  const gone = await startSimulators({ port: 0, smtpPort: 0 });
  await gone.close();
  const cut = await startShop({ NOTIFICATIONS_KAVENEGAR_URL: `${gone.url}/kavenegar` });
  try {
    const phones = Array.from({ length: 10 }, newPhone);
    for (const phone of phones) await sendOtp(phone, {}, cut);
    await waitFor('ten failures', async () => {
      const rows = await cut.sql('notifications', "select 1 from messages where last_error = 'not reached'");
      return rows.length === 10;
    });
    const phone = newPhone();
    await sendOtp(phone, {}, cut);
    await waitFor('the code by the fallback', async () => (await smsAt(fallback, phone)).length === 1);
    expect(await messageTo(phone, cut)).toMatchObject({ attempt_count: 1 });
    await cut.sql('notifications', "update messages set due_at = now() where status = 'queued'");
    await sweep(cut);
    for (const first of phones) expect(await smsAt(fallback, first)).toHaveLength(1);
  } finally {
    await cut.close();
  }
});

test('NT-2: the receipt is a Persian mail from right to left, as HTML and as text, and its words cannot become markup', async () => {
  const email = `${newId()}@example.com`;
  const event = orderPaidEvent({ email, phone: newPhone() });
  await deliver(event);
  await sweep();
  const [mail] = await mailTo(email);
  expect(mail?.subject).toBe(`رسید سفارش ${event.data.orderNumber}`);
  expect(mail?.html).toContain('<html lang="fa" dir="rtl">');
  expect(mail?.html).toContain('گیفت کارت &lt;استیم&gt; × ۲');
  expect(mail?.text).toContain('گیفت کارت <استیم> × ۲');
  for (const body of [mail?.html, mail?.text]) {
    expect(body).toContain('۵۰۰٬۰۰۰');
    expect(body).toContain(`http://localhost:3000/orders/${event.data.orderId}`);
  }
  expect(await messageTo(email)).toMatchObject({ channel: 'email', status: 'sent' });
});

test('NT-2 PL-18: a mailbox that is away costs no mail, it is sent when the mailbox is back', async () => {
  const email = `${newId()}@example.com`;
  await fault('smtp', { mode: 'down' });
  await deliver(orderPaidEvent({ email }));
  // A pooled connection that is still open would not notice, so the mailbox may take the first mail after all.
  const cut = await startShop();
  try {
    const elsewhere = `${newId()}@example.com`;
    const event = orderPaidEvent({ email: elsewhere });
    const other = openDatabase({
      url: cut.databaseUrls['notifications']?.appUrl ?? '',
      poolMax: 2,
      log: cut.host.log,
      name: 'test',
    });
    await onOrderEvent({ db: other.db } as Context, event);
    await other.close();
    await sweep(cut);
    expect(await messageTo(elsewhere, cut)).toMatchObject({ status: 'queued', attempt_count: 1 });
    expect(await mailTo(elsewhere)).toHaveLength(0);
    await fetch(`${simulators.url}/faults`, { method: 'DELETE' });
    await cut.sql('notifications', 'update messages set due_at = now()');
    await sweep(cut);
    expect(await messageTo(elsewhere, cut)).toMatchObject({ status: 'sent' });
    expect(await mailTo(elsewhere)).toHaveLength(1);
  } finally {
    await cut.close();
  }
});

test('NT-4: no other service reads an SMS or mail credential', async () => {
  const services = join(import.meta.dirname, '../..');
  const files = await readdir(services, { recursive: true });
  const sources = files.filter(
    (file) => file.endsWith('.ts') && !/node_modules|[.]test[.]ts$|^notifications\//.test(file),
  );
  expect(sources.length).toBeGreaterThan(50);
  for (const file of sources)
    expect(await readFile(join(services, file), 'utf8'), file).not.toMatch(/KAVENEGAR|SMTP_URL|nodemailer/);
});

test('NT-6 I16: an event that is delivered twenty times at once makes one message and one feed entry', async () => {
  const phone = newPhone();
  const customerId = newId();
  const event = orderPaidEvent({ phone }, customerId);
  await Promise.all(Array.from({ length: 20 }, () => deliver(event)));
  await Promise.all([sweep(), sweep(), sweep()]);
  await deliver(event);
  await sweep();
  expect(await smsAt(simulators, phone)).toHaveLength(1);
  const feed = await shop.as(notificationsContract, userActor(customerId)).listNotifications({ limit: 20 });
  expect(feed).toMatchObject({
    items: [{ type: 'order.status-changed', data: { status: 'paid', orderNumber: event.data.orderNumber } }],
    unreadCount: 1,
  });
});

test('NT-6 I16: an event in the queue becomes a message by the background jobs alone', async () => {
  const jobs = await startShop({ RUN: 'all' });
  try {
    const phone = newPhone();
    const { id, type, data } = orderPaidEvent({ phone });
    await jobs.sql('notifications', 'insert into outbox (id, type, data) values ($1, $2, $3)', [id, type, data]);
    await waitFor('the receipt', async () => (await smsAt(simulators, phone)).length === 1);
  } finally {
    await jobs.close();
  }
});

test('F22: a code whose answer was lost is not sent again; a receipt is, exactly once', async () => {
  const [forCode, forReceipt] = [newPhone(), newPhone()];
  await fault('sms', { mode: 'lose-answer' });
  await sendOtp(forCode);
  await waitFor('the lost answer', async () => (await messageTo(forCode))?.['status'] === 'unknown');
  await deliver(orderPaidEvent({ phone: forReceipt }));
  await sweep();
  expect(await messageTo(forReceipt)).toMatchObject({ status: 'unknown', attempt_count: 1 });
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([age(forCode), age(forReceipt)]);
    await sweep();
  }
  const countOf = async (phone: string) =>
    (await smsAt(simulators, phone)).length + (await smsAt(fallback, phone)).length;
  expect([await countOf(forCode), await countOf(forReceipt)]).toEqual([1, 2]);
  expect(await messageTo(forCode)).toMatchObject({ status: 'unknown', due_at: null, sealed_code: null });
});

test('F22: a provider that sends twice is one message of ours; the same challenge and number send once', async () => {
  const phone = newPhone();
  const challengeId = newId();
  await fault('sms', { mode: 'duplicate', count: 1 });
  await Promise.all(Array.from({ length: 10 }, () => sendOtp(phone, { challengeId })));
  await waitFor('the code', async () => (await messageTo(phone))?.['status'] === 'sent');
  expect(await smsAt(simulators, phone)).toHaveLength(2);
  expect(await shop.sql('notifications', 'select 1 from messages where recipient = $1', [phone])).toHaveLength(1);
});

test('F22: a code past its time is dropped, and never sent late', async () => {
  const [late, waiting] = [newPhone(), newPhone()];
  await sendOtp(late, { expiresInMs: -1_000 });
  await waitFor('the drop', async () => (await messageTo(late))?.['status'] === 'dropped');
  await fault('sms', { mode: 'error' });
  await sendOtp(waiting);
  await waitFor('the refusal', async () => (await messageTo(waiting))?.['last_error'] === 'status 409');
  await fetch(`${simulators.url}/faults`, { method: 'DELETE' });
  await shop.sql(
    'notifications',
    "update messages set expires_at = now() - interval '1 second', due_at = now() where recipient = $1",
    [waiting],
  );
  await sweep();
  expect(await messageTo(waiting)).toMatchObject({ status: 'dropped', sealed_code: null });
  for (const phone of [late, waiting])
    expect([...(await smsAt(simulators, phone)), ...(await smsAt(fallback, phone))]).toEqual([]);
});

test('F22: a code whose sender died is dead and wiped; a receipt goes out once more', async () => {
  const [forCode, forReceipt] = [newPhone(), newPhone()];
  await fault('sms', { mode: 'error' });
  await sendOtp(forCode);
  await waitFor('the refusal', async () => (await messageTo(forCode))?.['last_error'] === 'status 409');
  await fetch(`${simulators.url}/faults`, { method: 'DELETE' });
  await deliver(orderPaidEvent({ phone: forReceipt }));
  await shop.sql(
    'notifications',
    "update messages set status = 'sending', due_at = now() - interval '1 second' where recipient = any($1)",
    [[forCode, forReceipt]],
  );
  await sweep();
  expect(await messageTo(forCode)).toMatchObject({ status: 'dead', sealed_code: null });
  expect(await messageTo(forReceipt)).toMatchObject({ status: 'sent' });
});

test('NT-1: a sent code is in no table and in no log line, and while it waits it is sealed', async () => {
  const phone = newPhone();
  const code = '740852';
  const rowsWith = (text: string) =>
    shop.sql('notifications', 'select 1 from messages m where m::text like $1', [`%${text}%`]);
  await fault('sms', { mode: 'error', count: 1 });
  await sendOtp(phone, { code });
  await waitFor('the refusal', async () => (await messageTo(phone))?.['last_error'] === 'status 409');
  const sealed = String((await messageTo(phone))?.['sealed_code']);
  expect(sealed).not.toBe('null');
  expect(await rowsWith(code)).toEqual([]);
  await age(phone);
  await sweep();
  expect(await messageTo(phone)).toMatchObject({ status: 'sent', sealed_code: null });
  expect(await rowsWith(sealed)).toEqual([]);
  const log = shop.logLines.join('\n');
  for (const secret of [code, sealed, phone.slice(3), 'DemoKavenegarKey00']) expect(log).not.toContain(secret);
});

test('NT-1: after eight tries a message is a dead letter with an alarm, which staff can see and send again', async () => {
  const phone = newPhone();
  await deliver(orderPaidEvent({ phone }));
  await shop.sql('notifications', 'update messages set attempt_count = 7 where recipient = $1', [phone]);
  // Its eighth try is an even one, which the fallback would take.
  await fetch(`${fallback.url}/faults/sms`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'error' }),
  });
  await sweep();
  await fetch(`${fallback.url}/faults`, { method: 'DELETE' });
  const dead = await messageTo(phone);
  expect(dead).toMatchObject({ status: 'dead', attempt_count: 8, due_at: null });
  expect(shop.logLines.filter((line) => line.includes('"alarm":"message-dead"'))).not.toHaveLength(0);

  const admin = shop.as(notificationsContract, userActor(newId(), ['admin']));
  const messageId = String(dead?.['id']);
  const shown = (await admin.listMessages({ limit: 100, status: 'dead' })).items.find((item) => item.id === messageId);
  expect(shown).toMatchObject({ channel: 'sms', attemptCount: 8, lastError: 'status 409' });
  expect(shown?.to).not.toContain(phone.slice(-7));
  await admin.replayMessage({ messageId });
  await expect(admin.replayMessage({ messageId })).rejects.toMatchObject({ status: 404 });
  await sweep();
  expect(await smsAt(simulators, phone)).toHaveLength(1);
});

test('NT-1: an address that the mailbox or provider refuses for good is not tried again', async () => {
  await deliver(orderPaidEvent({ phone: 'not-a-phone' }));
  await sweep();
  expect(await messageTo('not-a-phone')).toMatchObject({ status: 'dead', attempt_count: 1, last_error: 'status 411' });
});

test('a made-up cursor is refused with 422, and pages follow each other without gap', async () => {
  const customerId = newId();
  for (let count = 0; count < 5; count += 1) await deliver(orderPaidEvent({ phone: newPhone() }, customerId));
  const customer = shop.as(notificationsContract, userActor(customerId));
  const staff = shop.as(notificationsContract, userActor(newId(), ['support']));
  for (const cursor of ['x', "'; drop table feed", newId().slice(1)]) {
    await expect(customer.listNotifications({ limit: 2, cursor })).rejects.toMatchObject({ status: 422 });
    await expect(staff.listMessages({ limit: 2, cursor })).rejects.toMatchObject({ status: 422 });
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await customer.listNotifications({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.items.map((item) => item.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
  const otherId = newId();
  await deliver(orderPaidEvent({ phone: newPhone() }, otherId));
  await customer.markNotificationsRead({});
  expect((await customer.listNotifications({ limit: 2 })).unreadCount).toBe(0);
  const other = await shop.as(notificationsContract, userActor(otherId)).listNotifications({ limit: 2 });
  expect([other.unreadCount, other.items[0]?.readAt]).toEqual([1, null]);
});

test('F22 I16: what a sender learns too late does not overwrite what the next one knows', async () => {
  const late = newPhone();
  await sweep(); // What earlier tests left.
  await deliver(orderPaidEvent({ phone: late }));
  // The first try hangs at its provider; meanwhile it counts as dead, and a second one sends.
  await fault('sms', { mode: 'slow', delayMs: 4_000, count: 1 });
  const first = sweep();
  await waitFor('the first try', async () => (await messageTo(late))?.['status'] === 'sending');
  await age(late);
  await sweep();
  const sent = await messageTo(late);
  expect(sent).toMatchObject({ status: 'sent', attempt_count: 2, last_error: null });
  await first;
  expect(await messageTo(late)).toEqual(sent);
});

test('A29: when a copied sign-in token came back, the owner of the session hears of it once by SMS and in the feed; of other ends nobody does', async () => {
  const jobs = await startShop({ RUN: 'all' });
  try {
    const revoked = (userId: string, reason: string) =>
      jobs.sql('notifications', `insert into outbox (id, type, data) values ($1, 'session.revoked', $2)`, [
        newId(),
        JSON.stringify({ userId, sessionIds: [newId()], reason }),
      ]);
    const [owner, other] = [newId(), newId()];
    const before = (await smsAt(simulators, userPhone)).length;
    for (const reason of ['logout', 'banned', 'roles-changed', 'too-many-sessions']) await revoked(other, reason);
    await revoked(owner, 'refresh-token-reused');
    const sms = await waitFor('the SMS', async () => {
      const found = (await smsAt(simulators, userPhone)).filter(({ template }) => template === 'kelid-session-ended');
      return found.length > 0 && found;
    });
    expect(sms).toHaveLength(1);
    expect(sms[0]?.text).toMatch(/دوباره وارد شوید/);
    const feedOf = async (userId: string) =>
      (await jobs.as(notificationsContract, userActor(userId)).listNotifications({ limit: 20 })).items;
    expect(await feedOf(owner)).toMatchObject([{ type: 'session.revoked', data: { reason: 'refresh-token-reused' } }]);
    await waitFor('the other events', async () => {
      const rows = await jobs.sql('notifications', 'select 1 from outbox where sent_at is null');
      return rows.length === 0;
    });
    expect(await feedOf(other)).toEqual([]);
    expect((await smsAt(simulators, userPhone)).length).toBe(before + 1);
  } finally {
    await jobs.close();
  }
});

test('NT-1: a sign-in code that died is not sent again, by staff or by anybody', async () => {
  const phone = newPhone();
  await fault('sms', { mode: 'error' });
  await sendOtp(phone);
  await waitFor('the refusal', async () => (await messageTo(phone))?.['last_error'] === 'status 409');
  await fetch(`${simulators.url}/faults`, { method: 'DELETE' });
  await shop.sql('notifications', "update messages set status = 'dead', due_at = null where recipient = $1", [phone]);
  const dead = await messageTo(phone);
  expect(dead?.['sealed_code']).not.toBeNull(); // It could be read still, and must not go out all the same.
  const admin = shop.as(notificationsContract, userActor(newId(), ['admin']));
  await expect(admin.replayMessage({ messageId: String(dead?.['id']) })).rejects.toMatchObject({ status: 404 });
  await sweep();
  expect(await messageTo(phone)).toEqual(dead);
  expect(await smsAt(simulators, phone)).toEqual([]);
});

test('NT-5: the feed of live pages goes on through a flood, and asked for one user it holds only own entries', async () => {
  const [customerId, other] = [newId(), newId()];
  const internal = shop.as(notificationsContract, serviceActor);
  let since = new Date().toISOString();
  await shop.sql(
    'notifications',
    `insert into feed (id, user_id, type, data, dedupe_key, at)
     select uuidv7(), case when n % 2 = 0 then $1::uuid else $2::uuid end, 'order.status-changed', '{}', n::text,
       now() - interval '400 milliseconds' + make_interval(secs => n / 1000.0)
     from generate_series(1, 300) n`,
    [customerId, other],
  );
  const own = await internal.listFeedSince({ since, userId: customerId, limit: 1000 });
  expect(own.items).toHaveLength(150);
  expect(new Set(own.items.map((item) => item.userId))).toEqual(new Set([customerId]));

  const seen = new Set<string>();
  for (let read = 0; read < 12; read += 1) {
    const page = await internal.listFeedSince({ since, limit: 100 });
    since = page.asOf;
    for (const { userId, entry } of page.items) if ([customerId, other].includes(userId)) seen.add(entry.id);
    await sleep(5);
  }
  expect(seen.size).toBe(300);
});

test('H13: messages that are as they must never be are an alarm, each by its id, and kept for staff', async () => {
  const at = await startShop();
  const broken = async () => at.brokenInvariants('notifications');
  const look = async () => {
    await at.sql('notifications', 'update monitor_marks set due_at = now()');
    await sweep(at);
    await at.host.sweep('notifications', 'watch-invariants');
  };
  try {
    const phones = [newPhone(), newPhone(), newPhone(), newPhone()];
    for (const phone of phones) await sendOtp(phone, {}, at);
    await waitFor('the codes', async () =>
      (await Promise.all(phones.map((phone) => messageTo(phone, at)))).every((row) => row?.['status'] === 'sent'),
    );
    await look();
    expect(await broken()).toEqual([]);
    const breaks = [
      "status = 'queued', sent_at = null, due_at = null",
      'sent_at = null',
      "sealed_code = 'left'",
      'expires_at = null',
    ];
    for (const [index, change] of breaks.entries())
      await at.sql('notifications', `update messages set ${change} where recipient = $1`, [phones[index]]);
    await look();
    const ids = await Promise.all(phones.map(async (phone) => String((await messageTo(phone, at))?.['id'])));
    const { items } = await at
      .as(notificationsContract, userActor(newId(), ['admin']))
      .listMessageBreaches({ limit: 100 });
    expect(items.map(({ invariant, subject }) => [invariant, subject]).toSorted()).toEqual(
      [
        ['I16', ids[0]],
        ['I16', ids[1]],
        ['I17', ids[2]],
        ['AU-2', ids[3]],
      ].toSorted(),
    );
    const alarms = at.logLines.filter((line) => line.includes('invariant-broken'));
    expect(ids.every((id) => alarms.some((line) => line.includes(id)))).toBe(true);
    expect(alarms.some((line) => phones.some((phone) => line.includes(phone)))).toBe(false);
    const [marks] = await at.sql(
      'notifications',
      "select count(*)::int from monitor_marks where looked_until > '-infinity'",
    );
    expect(marks?.['count']).toBe((await invariantsBeside(notificationsService.migrationsFolder)).length);
    await at
      .as(notificationsContract, userActor(newId(), ['admin']))
      .settleMessageBreach({ breachId: items[0]?.id ?? '', reason: 'looked at' });
  } finally {
    await at.close();
  }
});
