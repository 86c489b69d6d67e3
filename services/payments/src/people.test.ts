import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { paymentsContract } from '@kelid/contracts/payments';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestPayments } from './test-payments.ts';

// What people decide: payments in review, transfers from card to card, and how far a customer is known.

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_CARD_NUMBER: '6037990000000006',
    PAYMENTS_CARD_HOLDER: 'فروشگاه کلید',
    PAYMENTS_DAY_MAX_RIAL: '100000000,300000000,900000000',
    PAYMENTS_MATCHED_CARD_FROM_RIAL: '90000000',
  });
  bank = controlOf(simulators.url);
});
afterEach(async () => {
  await bank.calm();
  expect(await shop.brokenInvariants()).toEqual([]);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

const walletOf = async (customerId: string) => (await shop.customer(customerId).getWallet({})).balanceRial;

/** A payment whose bank told another amount. */
async function inReview(amountRial?: number) {
  const order = await shop.owe(amountRial);
  const { attemptId, authority } = await shop.start(order);
  const params = await bank.decide(authority, 'pay');
  await bank.fault('zarinpal.verify', { mode: 'amount-mismatch', count: 1 });
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params });
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review' });
  return { order, attemptId };
}

test('A51: money in review that a person finds in the bank pays its order once, and no reference pays twice', async () => {
  const { order, attemptId } = await inReview();
  const found = { attemptId, decision: 'captured' as const, reference: 'FOUND-1', reason: 'در صورت‌حساب بانک هست' };
  await expect(shop.staff('mina').decideAttempt({ ...found, reference: undefined })).rejects.toMatchObject({
    code: 'invalid-input',
  });
  const decided = await Promise.allSettled([1, 2, 3].map(() => shop.staff('mina').decideAttempt(found)));
  expect(decided.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await shop.intentStatus(order)).toBe('captured');
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);

  const other = await inReview();
  await expect(shop.staff('mina').decideAttempt({ ...found, attemptId: other.attemptId })).rejects.toMatchObject({
    code: 'payments.reference-used',
    data: { field: 'reference' },
  });
  const gone = { attemptId: other.attemptId, decision: 'reversed' as const, reason: 'به کارت برگشته است' };
  expect(await shop.staff('mina').decideAttempt(gone)).toMatchObject({ status: 'reversed' });
  await expect(shop.staff('mina').decideAttempt(gone)).rejects.toMatchObject({ code: 'payments.attempt-move-refused' });
});

test('A64: above what one person may decide, two find the same money in the bank; for a dead order it is in the wallet', async () => {
  const { order, attemptId } = await inReview(60_000_000);
  await shop.orders.closeIntent({ orderId: order.orderId, status: 'cancelled' });
  const found = { attemptId, decision: 'captured' as const, reference: 'FOUND-2', reason: 'در صورت‌حساب بانک هست' };
  expect(await shop.staff('mina').decideAttempt(found)).toMatchObject({ status: 'review' });
  await expect(shop.staff('mina').decideAttempt(found)).rejects.toMatchObject({
    code: 'payments.second-person-needed',
  });
  await expect(shop.staff('reza').decideAttempt({ ...found, reference: 'FOUND-3' })).rejects.toMatchObject({
    code: 'payments.second-person-needed',
  });
  expect(await shop.staff('reza').decideAttempt(found)).toMatchObject({ status: 'captured', isSurplus: true });
  expect(await walletOf(order.customerId)).toBe(60_000_000);
  const support = shop.as(paymentsContract, userActor(newId(), ['support']));
  await expect(support.decideAttempt(found)).rejects.toMatchObject({ status: 403 });
  expect((await support.listAttempts({ status: 'captured' })).items.map((one) => one.id)).toContain(attemptId);
});

async function transfer(amountRial?: number) {
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
const receipt = () => ({ trackingNumber: String((lastNumber += 1)), cardLast4: '0006' });

test('CK-7: a transfer delivers nothing before staff have seen it, may be corrected until then, and its number pays once', async () => {
  const { order, attemptId, redirectUrl, owner } = await transfer();
  expect(redirectUrl).toBe(`http://localhost:3000/payment/transfer/${attemptId}`);
  expect(await owner.getTransfer({ attemptId })).toMatchObject({ status: 'waiting', cardNumber: '6037990000000006' });
  const named = receipt();
  await owner.submitTransfer({ attemptId, ...receipt() });
  expect(await owner.submitTransfer({ attemptId, ...named })).toMatchObject({ status: 'submitted', ...named });
  await shop.comeDue(attemptId, 20);
  await shop.host.sweep('payments', 'settle-due-attempts');
  expect(await shop.intentStatus(order)).toBe('open');

  const other = await transfer();
  await expect(other.owner.submitTransfer({ attemptId: other.attemptId, ...named })).rejects.toMatchObject({
    code: 'payments.tracking-number-used',
    data: { field: 'trackingNumber' },
  });
  const { trackingNumber } = named;
  const approval = { attemptId, isApproved: true, trackingNumber, seenRial: order.amountRial, reason: 'در حساب هست' };
  await expect(shop.staff('mina').decideTransfer({ ...approval, seenRial: 1 })).rejects.toMatchObject({
    code: 'payments.transfer-amount-differs',
  });
  const decided = await Promise.allSettled(
    ['mina', 'reza', 'sara'].map((who) => shop.staff(who).decideTransfer(approval)),
  );
  expect(decided.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  await expect(owner.submitTransfer({ attemptId, ...receipt() })).rejects.toMatchObject({
    code: 'payments.transfer-decided',
  });
});

test('CK-7 A64 I25: a large transfer needs two people, a rejected one pays nothing, and nobody sees another’s', async () => {
  const { order, attemptId, owner } = await transfer(60_000_000);
  const named = receipt();
  await owner.submitTransfer({ attemptId, ...named });
  const { trackingNumber } = named;
  const approval = { attemptId, isApproved: true, trackingNumber, seenRial: order.amountRial, reason: 'در حساب هست' };
  expect(await shop.staff('mina').decideTransfer(approval)).toMatchObject({ status: 'submitted' });
  await expect(shop.staff('mina').decideTransfer(approval)).rejects.toMatchObject({
    code: 'payments.second-person-needed',
  });
  expect(await shop.staff('reza').decideTransfer(approval)).toMatchObject({ status: 'approved' });
  expect(await shop.intentStatus(order)).toBe('captured');

  const stranger = shop.customer(newId());
  const rejected = await transfer();
  const notFound = { status: 'rejected', reason: { code: 'payments.transfer-not-found' } };
  expect(
    await Promise.allSettled([
      stranger.getTransfer({ attemptId }),
      stranger.submitTransfer({ attemptId, ...receipt() }),
    ]),
  ).toMatchObject([notFound, notFound]);
  const other = receipt();
  await rejected.owner.submitTransfer({ attemptId: rejected.attemptId, ...other });
  const no = {
    attemptId: rejected.attemptId,
    isApproved: false,
    trackingNumber: other.trackingNumber,
    reason: 'در حساب نیست',
  };
  expect(await shop.staff('mina').decideTransfer(no)).toMatchObject({ status: 'rejected' });
  expect(await shop.attempt(rejected.attemptId)).toMatchObject({ status: 'failed' });
  await expect(shop.customer(order.customerId).decideTransfer(no)).rejects.toMatchObject({ status: 403 });
  const support = shop.as(paymentsContract, userActor(newId(), ['support']));
  await expect(support.decideTransfer(no)).rejects.toMatchObject({ status: 403 });
});

test('A48 CK-7: what staff looked up is what they decide: a number that changes between look and approval pays nothing, and each stays taken for ever', async () => {
  const { order, attemptId, owner } = await transfer();
  const [seen, swapped] = [receipt(), receipt()];
  await owner.submitTransfer({ attemptId, ...seen });
  const yes = { attemptId, isApproved: true, seenRial: order.amountRial, reason: 'در حساب هست' };
  await owner.submitTransfer({ attemptId, ...swapped });
  for (const decision of [yes, { ...yes, isApproved: false }])
    await expect(
      shop.staff('mina').decideTransfer({ ...decision, trackingNumber: seen.trackingNumber }),
    ).rejects.toMatchObject({ code: 'payments.transfer-changed' });
  expect(await shop.intentStatus(order)).toBe('open');

  // The first number is real money in the bank: it pays no other order, with zeros before it neither, also after a no.
  const second = await transfer();
  const name = (trackingNumber: string) =>
    second.owner.submitTransfer({ attemptId: second.attemptId, trackingNumber, cardLast4: '0006' });
  const taken = { code: 'payments.tracking-number-used' };
  await expect(name(seen.trackingNumber)).rejects.toMatchObject(taken);
  await expect(name(`000${seen.trackingNumber}`)).rejects.toMatchObject(taken);
  await shop.staff('mina').decideTransfer({ ...yes, isApproved: false, trackingNumber: swapped.trackingNumber });
  await expect(name(swapped.trackingNumber)).rejects.toMatchObject(taken);
  await expect(shop.sql('payments', 'delete from transfer_numbers')).rejects.toMatchObject({ code: '42501' });

  // Decision and correction at the same moment: never an approval of what was not looked at.
  for (let race = 0; race < 10; race += 1) {
    const one = await transfer();
    const [first, later] = [receipt(), receipt()];
    await one.owner.submitTransfer({ attemptId: one.attemptId, ...first });
    const decision = { ...yes, attemptId: one.attemptId, trackingNumber: first.trackingNumber };
    const [decided] = await Promise.allSettled([
      shop.staff('mina').decideTransfer(decision),
      one.owner.submitTransfer({ attemptId: one.attemptId, ...later }),
    ]);
    const row = await shop.attempt(one.attemptId);
    if (decided.status === 'fulfilled')
      expect(row).toMatchObject({ status: 'captured', psp_reference: first.trackingNumber });
    else expect(row.status).toBe('redirected');
  }
});

test('CK-7: two people name one transfer at the same moment, and one has it; a payment may name five numbers', async () => {
  for (let race = 0; race < 10; race += 1) {
    const both = [await transfer(), await transfer()];
    const named = receipt();
    const all = await Promise.allSettled(
      both.map(({ owner, attemptId }) => owner.submitTransfer({ attemptId, ...named })),
    );
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  }
  const { owner, attemptId } = await transfer();
  for (let at = 0; at < 5; at += 1) await owner.submitTransfer({ attemptId, ...receipt() });
  const sixth = receipt();
  await expect(owner.submitTransfer({ attemptId, ...sixth })).rejects.toMatchObject({
    code: 'payments.too-many-transfer-numbers',
  });
  const next = await transfer();
  await next.owner.submitTransfer({ attemptId: next.attemptId, ...sixth }); // Refused there, so it took nothing.
});

test('A64: nobody decides about their own transfer, review, withdrawal, bank account, level or refund, alone or as the second person', async () => {
  const own = { code: 'own-affair', status: 403 };
  const reason = 'خودم هستم';
  const asStaff = (customerId: string) =>
    shop.as(paymentsContract, userActor(customerId, ['customer', 'admin']), { idempotencyKey: newId() });

  for (const amountRial of [2_500_000, 60_000_000]) {
    const { order, attemptId, owner } = await transfer(amountRial);
    const { trackingNumber } = await owner.submitTransfer({ attemptId, ...receipt() });
    const me = asStaff(order.customerId);
    const decision = { attemptId, trackingNumber: trackingNumber ?? '', seenRial: amountRial, reason };
    await expect(me.decideTransfer({ ...decision, isApproved: true })).rejects.toMatchObject(own);
    await expect(me.decideTransfer({ ...decision, isApproved: false })).rejects.toMatchObject(own);
    if (amountRial > 50_000_000) {
      await shop.staff('mina').decideTransfer({ ...decision, isApproved: true });
      await expect(me.decideTransfer({ ...decision, isApproved: true })).rejects.toMatchObject(own);
    }
    expect(await shop.intentStatus(order)).toBe('open');

    const review = await inReview(amountRial);
    const found = { attemptId: review.attemptId, decision: 'captured' as const, reference: `OWN-${attemptId}`, reason };
    const reviewer = asStaff(review.order.customerId);
    await expect(reviewer.decideAttempt(found)).rejects.toMatchObject(own);
    await expect(reviewer.decideAttempt({ ...found, decision: 'reversed' })).rejects.toMatchObject(own);
    if (amountRial > 50_000_000) {
      await shop.staff('mina').decideAttempt(found);
      await expect(reviewer.decideAttempt(found)).rejects.toMatchObject(own);
    }
    expect(await shop.attempt(review.attemptId)).toMatchObject({ status: 'review' });
  }

  const customerId = newId();
  const me = asStaff(customerId);
  await expect(me.setCustomerLevel({ customerId, level: 2, reason })).rejects.toMatchObject(own);
  expect(await me.getPaymentLimits({})).toMatchObject({ level: 0 });
  const account = await me.addBankAccount({ sheba: 'IR200170000000000123456789', holderName: 'سارا احمدی' });
  const check = { bankAccountId: account.id, isVerified: true, reason };
  await expect(me.verifyBankAccount(check)).rejects.toMatchObject(own);
  await shop.staff('mina').verifyBankAccount(check);

  await shop.sql(
    'payments',
    "select ledger_post('gift', $1, null, array['revenue:gifts', 'wallet:' || $2], array[90000000::bigint, -90000000::bigint])",
    [newId(), customerId],
  );
  for (const amountRial of [200_000, 60_000_000]) {
    const { id: withdrawalId } = await asStaff(customerId).requestWithdrawal({ bankAccountId: account.id, amountRial });
    for (const isApproved of [true, false])
      await expect(me.decideWithdrawal({ withdrawalId, isApproved, reason })).rejects.toMatchObject(own);
    await shop.staff('mina').decideWithdrawal({ withdrawalId, isApproved: true, reason });
    if (amountRial > 50_000_000) {
      await expect(me.decideWithdrawal({ withdrawalId, isApproved: true, reason })).rejects.toMatchObject(own);
      await shop.staff('reza').decideWithdrawal({ withdrawalId, isApproved: true, reason });
    }
    await expect(me.recordWithdrawalTransfer({ withdrawalId, reference: `OWN-${withdrawalId}` })).rejects.toMatchObject(
      own,
    );
  }
});

test('PA-11 I20: account checks, levels, bank switches and transfers each leave who, what, before and after, which nobody changes', async () => {
  const customerId = newId();
  const audit = (subjectId: string) =>
    shop.sql('payments', 'select actor, subject, before, after from staff_audit where subject_id = $1 order by id', [
      subjectId,
    ]);
  const account = await shop.customer(customerId).addBankAccount({
    sheba: 'IR200170000000000123456789',
    holderName: 'سارا احمدی',
  });
  await shop.staff('mina').verifyBankAccount({ bankAccountId: account.id, isVerified: true, reason: 'نام یکی است' });
  const checked = await audit(account.id);
  expect(checked).toMatchObject([
    {
      actor: expect.stringMatching(/^user:/),
      subject: 'bank_accounts',
      before: { status: 'pending' },
      after: { status: 'verified', reason: 'نام یکی است' },
    },
  ]);
  expect(JSON.stringify(checked)).not.toMatch(/IR2001700/);

  for (const level of [1, 2]) await shop.staff('mina').setCustomerLevel({ customerId, level, reason: `سطح ${level}` });
  expect(await audit(customerId)).toMatchObject([
    { subject: 'customer_levels', before: null, after: { level: 1 } },
    { before: { level: 1 }, after: { level: 2, reason: 'سطح 2' } },
  ]);
  for (const isEnabled of [false, true])
    await shop.staff('reza').setPspEnabled({ psp: 'zibal', isEnabled, reason: 'بررسی بانک' });
  expect(await audit('zibal')).toMatchObject([
    { subject: 'psp_settings', before: null, after: { is_enabled: false } },
    { before: { is_enabled: false }, after: { is_enabled: true } },
  ]);
  const { attemptId, order, owner } = await transfer(60_000_000);
  const { trackingNumber } = await owner.submitTransfer({ attemptId, ...receipt() });
  const yes = { attemptId, isApproved: true, trackingNumber: trackingNumber ?? '', seenRial: order.amountRial };
  await shop.staff('mina').decideTransfer({ ...yes, reason: 'در حساب هست' });
  await shop.staff('reza').decideTransfer({ ...yes, reason: 'من هم دیدم' });
  const transfers = await audit(attemptId);
  expect(transfers).toMatchObject([{ after: { seen_rial: 60_000_000 } }, { after: { status: 'approved' } }]);
  expect(new Set(transfers.map((row) => row['actor'])).size).toBe(2);
  for (const statement of ['update staff_audit set actor = $1', 'delete from staff_audit where actor = $1'])
    await expect(shop.sql('payments', statement, ['x'])).rejects.toMatchObject({ code: '42501' });
});

test('CP8: staff approved a transfer and the process died: the sweep captures it', async () => {
  const { order, attemptId, owner } = await transfer();
  const { trackingNumber } = await owner.submitTransfer({ attemptId, ...receipt() });
  // As decideTransfer's own statement leaves it.
  await shop.sql('payments', "update transfers set status = 'approved', approved_by = 'user:x' where attempt_id = $1", [
    attemptId,
  ]);
  const proof = JSON.stringify({ paidRial: String(order.amountRial), reference: trackingNumber });
  await shop.sql('payments', 'update payment_attempts set proof = $2, due_at = now() where id = $1', [
    attemptId,
    proof,
  ]);
  await shop.host.sweep('payments', 'settle-due-attempts');
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', psp_reference: trackingNumber });
});

test('the ladder: orders of a day stay within the level, two at once count each other, and staff raise it', async () => {
  const customerId = newId();
  const owe = (amountRial: number) =>
    shop.orders.createIntent({ orderId: newId(), orderNumber: 'KL-1', customerId, amountRial, phone: '+989121112233' });
  const first = await Promise.allSettled([owe(60_000_000), owe(60_000_000)]);
  expect(first.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  await expect(owe(60_000_000)).rejects.toMatchObject({
    code: 'payments.limit-reached',
    data: { limitRial: 100_000_000, period: 'day' },
  });
  expect(await shop.customer(customerId).getPaymentLimits({})).toMatchObject({
    level: 0,
    dayMaxRial: 100_000_000,
    spentTodayRial: 60_000_000,
    steps: [{ dayMaxRial: 100_000_000 }, { dayMaxRial: 300_000_000 }, { dayMaxRial: 900_000_000 }],
  });
  // One that is still being written is waited for and counted.
  const someone = newId();
  const writing = await shop.begin('payments');
  await writing.sql(
    "select * from payments_open_intent(uuidv7(), uuidv7(), 'KL-1', $1, 60000000, null, 0, array[100000000, 300000000, 900000000]::bigint[])",
    [someone],
  );
  const order = { orderNumber: 'KL-1', customerId: someone, amountRial: 60_000_000, phone: '+989121112233' };
  const second = shop.orders.createIntent({ ...order, orderId: newId() }).then(
    () => 'taken',
    (error: { code: string }) => error.code,
  );
  await shop.untilWaiting('payments', second);
  await writing.commit();
  expect(await second).toBe('payments.limit-reached');
  await shop.staff('mina').setCustomerLevel({ customerId, level: 2, reason: 'مدارک دیده شد' });
  await owe(600_000_000);
  await expect(
    shop.customer(customerId).setCustomerLevel({ customerId, level: 2, reason: 'خودم' }),
  ).rejects.toMatchObject({
    status: 403,
  });
});

test('the ladder: a day is one of Tehran: what was bought a second before its midnight is not of today, a second after it is', async () => {
  const order = await shop.owe(60_000_000);
  const spent = async (at: string) => {
    await shop.sql(
      'payments',
      `update payment_intents set created_at = (now() at time zone 'Asia/Tehran')::date::timestamp at time zone 'Asia/Tehran' + $2::interval where order_id = $1`,
      [order.orderId, at],
    );
    return (await shop.customer(order.customerId).getPaymentLimits({})).spentTodayRial;
  };
  expect(await spent('-1 second')).toBe(0);
  expect(await spent('1 second')).toBe(60_000_000);
});

test('a large order of somebody unknown is paid only where card and phone are matched, which makes the card known and raises the level', async () => {
  const order = await shop.owe(95_000_000);
  const { attemptId, redirectUrl } = await shop.orders.startAttempt({
    attemptId: newId(),
    orderId: order.orderId,
    psp: 'zarinpal',
  });
  expect(redirectUrl).toContain('/zibal/start/');
  // The card must be of the account's own phone, not of one that anybody may type for messages.
  const { items } = (await (await fetch(`${simulators.url}/banks/attempts`)).json()) as {
    items: { authority: string; mobile?: string }[];
  };
  expect(items.find(({ authority }) => redirectUrl?.endsWith(authority))?.mobile).toBe('09350000001');
  const params = await bank.decide(redirectUrl?.split('/').at(-1) ?? '', 'pay');
  await shop.browser.handlePspCallback({ psp: 'zibal', params });
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured' });
  expect(await shop.customer(order.customerId).getPaymentLimits({})).toMatchObject({ level: 1 });

  // ZarinPal tells a hash of the card, which is hashed again; its number is nowhere.
  const again = { orderId: newId(), customerId: order.customerId, amountRial: 2_500_000 };
  await shop.orders.createIntent({ ...again, orderNumber: 'KL-2', phone: '+989121112233' });
  const second = await shop.start(again);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(second.authority, 'pay') });
  const { cards } = await shop.customer(order.customerId).getPaymentLimits({});
  expect(cards).toMatchObject([{ isMatched: false }]);
  const [card] = await shop.sql('payments', 'select * from customer_cards where customer_id = $1', [order.customerId]);
  expect(card?.['card_hash']).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.stringify(card)).not.toMatch(/\d{16}/);
});
