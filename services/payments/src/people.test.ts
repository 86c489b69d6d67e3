import { paymentsContract } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, paidOtherwise, receipt, startPayments, startTransfer, type TestPayments } from './test-payments.ts';

// What people decide about money, in whichever room: never about their own, and each decision is kept.

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

test('A64: nobody decides about their own transfer, review, withdrawal, bank account, level or refund, alone or as the second person', async () => {
  const own = { code: 'own-affair', status: 403 };
  const reason = 'خودم هستم';
  const asStaff = (customerId: string) =>
    shop.as(paymentsContract, userActor(customerId, ['customer', 'admin']), { idempotencyKey: newId() });

  for (const amountRial of [2_500_000, 60_000_000]) {
    const { order, attemptId, owner } = await startTransfer(shop, amountRial);
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

    const review = await paidOtherwise(shop, bank, amountRial);
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
  const { attemptId, order, owner } = await startTransfer(shop, 60_000_000);
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
