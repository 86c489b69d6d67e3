import { paymentsContract } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, paidOtherwise, startPayments, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`);
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

test('A51: money in review that a person finds in the bank pays its order once, and no reference pays twice', async () => {
  const { order, attemptId } = await paidOtherwise(shop, bank);
  const found = { attemptId, decision: 'captured' as const, reference: 'FOUND-1', reason: 'در صورت‌حساب بانک هست' };
  await expect(shop.staff('mina').decideAttempt({ ...found, reference: undefined })).rejects.toMatchObject({
    code: 'invalid-input',
  });
  const decided = await Promise.allSettled([1, 2, 3].map(() => shop.staff('mina').decideAttempt(found)));
  expect(decided.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await shop.intentStatus(order)).toBe('captured');
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);

  const other = await paidOtherwise(shop, bank);
  await expect(shop.staff('mina').decideAttempt({ ...found, attemptId: other.attemptId })).rejects.toMatchObject({
    code: 'payments.reference-used',
    data: { field: 'reference' },
  });
  const gone = { attemptId: other.attemptId, decision: 'reversed' as const, reason: 'به کارت برگشته است' };
  expect(await shop.staff('mina').decideAttempt(gone)).toMatchObject({ status: 'reversed' });
  await expect(shop.staff('mina').decideAttempt(gone)).rejects.toMatchObject({ code: 'payments.attempt-move-refused' });
});

test('A64: above what one person may decide, two find the same money in the bank; for a dead order it is in the wallet', async () => {
  const { order, attemptId } = await paidOtherwise(shop, bank, 60_000_000);
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
