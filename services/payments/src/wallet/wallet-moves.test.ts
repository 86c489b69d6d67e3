import { paymentsContract } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, { PAYMENTS_TOP_UP_DAY_MAX_RIAL: '5000000' });
  bank = controlOf(simulators.url);
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

const sheba = 'IR200170000000000123456789';
const walletOf = (customerId: string) => shop.customer(customerId).getWallet({});

async function topUp(customerId: string, amountRial: number) {
  const { topUpId, payment } = await shop.customer(customerId).topUpWallet({ amountRial, psp: 'zarinpal' });
  return { topUpId, authority: payment.redirectUrl?.slice(-36) ?? '' };
}
async function comeBack(authority: string): Promise<void> {
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
}
/** A customer with this much in the wallet and a checked bank account. */
async function saver(amountRial = 2_000_000): Promise<{ customerId: string; bankAccountId: string }> {
  const customerId = newId();
  const { authority } = await topUp(customerId, amountRial);
  await comeBack(authority);
  const account = await shop.customer(customerId).addBankAccount({ sheba, holderName: 'سارا احمدی' });
  await shop.staff('reza').verifyBankAccount({ bankAccountId: account.id, isVerified: true, reason: 'نام یکی است' });
  return { customerId, bankAccountId: account.id };
}
const withdraw = (customer: { customerId: string; bankAccountId: string }, amountRial: number) =>
  shop.customer(customer.customerId).requestWithdrawal({ bankAccountId: customer.bankAccountId, amountRial });

test('A63 I9: a top-up is credited once, however often its callback comes, and is no order', async () => {
  const customerId = newId();
  const { topUpId, authority } = await topUp(customerId, 1_000_000);
  expect(await walletOf(customerId)).toEqual({ balanceRial: 0, heldRial: 0 });
  const params = await bank.decide(authority, 'pay');
  await Promise.all(Array.from({ length: 10 }, () => shop.browser.handlePspCallback({ psp: 'zarinpal', params })));
  expect(await walletOf(customerId)).toEqual({ balanceRial: 1_000_000, heldRial: 0 });
  expect(await shop.published('payment.captured', topUpId)).toEqual([]);
  expect(await shop.customer(customerId).getOrderPayments({ orderId: topUpId })).toMatchObject({
    kind: 'top-up',
    status: 'captured',
  });
  expect(await shop.customer(customerId).listWalletEntries({ limit: 10 })).toMatchObject({
    items: [{ kind: 'top-up', amountRial: 1_000_000 }],
  });
  const unaccounted = await shop.sql('payments', 'select * from captures_unaccounted where order_id = $1', [topUpId]);
  expect(unaccounted).toEqual([]);
});

test.each([0, -1_000_000, 99_999, 1.5, 2 ** 53, '1e6'])(
  'A62 I27: a top-up of %s Rial is refused',
  async (amountRial) => {
    await expect(
      shop.customer(newId()).topUpWallet({ amountRial: amountRial as number, psp: 'zarinpal' }),
    ).rejects.toMatchObject({
      status: 422,
    });
  },
);

test('a day has a limit for top-ups, also for ten at once; the same key is one top-up', async () => {
  const customerId = newId();
  const tries = await Promise.allSettled(Array.from({ length: 10 }, () => topUp(customerId, 1_500_000)));
  expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(3);
  expect(tries.find((one) => one.status === 'rejected')?.reason).toMatchObject({
    code: 'payments.limit-reached',
    data: { limitRial: 5_000_000 },
  });
  const other = shop.customer(newId());
  const idempotencyKey = newId();
  const ask = () => other.topUpWallet({ amountRial: 1_000_000, psp: 'zarinpal' }, { idempotencyKey });
  const first = await ask();
  expect(await ask()).toEqual(first);
});

test('a day of top-ups is one of Tehran: what was added a second before its midnight leaves room, a second after it does not', async () => {
  const customerId = newId();
  const first = await topUp(customerId, 5_000_000);
  await comeBack(first.authority);
  const move = (at: string) =>
    shop.sql(
      'payments',
      `update payment_intents set created_at = (now() at time zone 'Asia/Tehran')::date::timestamp at time zone 'Asia/Tehran' + $2::interval where order_id = $1`,
      [first.topUpId, at],
    );
  await move('1 second');
  await expect(topUp(customerId, 100_000)).rejects.toMatchObject({ code: 'payments.limit-reached' });
  await move('-1 second');
  await topUp(customerId, 100_000);
});

test('I10: a withdrawal is held when it is asked for, leaves the books when it is sent, and is sent once', async () => {
  const customer = await saver();
  const asked = await withdraw(customer, 1_500_000);
  expect(await walletOf(customer.customerId)).toEqual({ balanceRial: 2_000_000, heldRial: 1_500_000 });
  const transfer = { withdrawalId: asked.id, reference: `REF-${asked.id}` };
  await expect(shop.staff('reza').recordWithdrawalTransfer(transfer)).rejects.toMatchObject({ status: 409 });
  await shop.staff('reza').decideWithdrawal({ withdrawalId: asked.id, isApproved: true, reason: 'درست است' });
  const both = await Promise.allSettled([
    shop.staff('reza').recordWithdrawalTransfer(transfer),
    shop.staff('sara').recordWithdrawalTransfer(transfer),
  ]);
  expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await walletOf(customer.customerId)).toEqual({ balanceRial: 500_000, heldRial: 0 });
  expect(await shop.customer(customer.customerId).listWithdrawals({ limit: 10 })).toMatchObject({
    items: [{ status: 'sent', sheba, amountRial: 1_500_000 }],
  });
});

test('A62 I10: paying 60% and withdrawing 60% at once: one of them happens', async () => {
  for (let round = 0; round < 10; round += 1) {
    const customer = await saver();
    const order = { orderId: newId(), customerId: customer.customerId, amountRial: 1_200_000 };
    const [pay, take] = await Promise.allSettled([
      shop.orders.createIntent({ ...order, orderNumber: 'KL-1', walletMaxRial: 1_200_000 }),
      withdraw(customer, 1_200_000),
    ]);
    const { heldRial } = await walletOf(customer.customerId);
    const held = pay.status === 'fulfilled' ? pay.value.walletRial : 0;
    expect(heldRial).toBe(held + (take.status === 'fulfilled' ? 1_200_000 : 0));
    expect(heldRial).toBeLessThanOrEqual(2_000_000);
  }
});

test('A62 race pack: 20 withdrawals of 60% at once: one is held, the others hear what is free', async () => {
  const customer = await saver();
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => withdraw(customer, 1_200_000)));
  expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(all.find((one) => one.status === 'rejected')?.reason).toMatchObject({
    code: 'payments.balance-too-small',
    data: { freeRial: 800_000 },
  });
});

test('money goes only to a checked account of its owner, and what is refused or taken back is free again', async () => {
  const customer = await saver();
  const stranger = await saver();
  await expect(
    withdraw({ customerId: stranger.customerId, bankAccountId: customer.bankAccountId }, 200_000),
  ).rejects.toMatchObject({ status: 404 });
  const other = await shop.customer(customer.customerId).addBankAccount({
    sheba: 'ir43 0120 0000 0000 0000 0000 01',
    holderName: 'سارا احمدی',
  });
  await expect(withdraw({ ...customer, bankAccountId: other.id }, 200_000)).rejects.toMatchObject({
    code: 'payments.bank-account-not-verified',
  });
  await expect(
    shop.customer(customer.customerId).addBankAccount({ sheba: 'IR12', holderName: 'سارا احمدی' }),
  ).rejects.toMatchObject({ status: 422 });

  const first = await withdraw(customer, 400_000);
  await expect(shop.customer(stranger.customerId).cancelWithdrawal({ withdrawalId: first.id })).rejects.toMatchObject({
    status: 404,
  });
  await shop.customer(customer.customerId).cancelWithdrawal({ withdrawalId: first.id });
  const second = await withdraw(customer, 400_000);
  await shop.staff('reza').decideWithdrawal({ withdrawalId: second.id, isApproved: false, reason: 'نام صاحب حساب' });
  expect(await walletOf(customer.customerId)).toEqual({ balanceRial: 2_000_000, heldRial: 0 });
  await expect(shop.customer(customer.customerId).cancelWithdrawal({ withdrawalId: second.id })).rejects.toMatchObject({
    status: 409,
  });
});

test('A64: above 50,000,000 Rial two different people approve a withdrawal', async () => {
  const customer = await saver();
  await shop.sql(
    'payments',
    "select ledger_post('gift', $1, null, array['revenue:gifts', 'wallet:' || $2], array[80000000::bigint, -80000000::bigint])",
    [newId(), customer.customerId],
  );
  const { id: withdrawalId } = await withdraw(customer, 60_000_000);
  const decision = { withdrawalId, isApproved: true, reason: 'درست است' };
  expect((await shop.staff('mina').decideWithdrawal(decision)).status).toBe('requested');
  await expect(shop.staff('mina').decideWithdrawal(decision)).rejects.toMatchObject({ status: 403 });
  expect((await shop.staff('reza').decideWithdrawal(decision)).status).toBe('approved');
});

test('A37: a Sheba is whole for its owner, and for an admin while it is to be checked or paid to; support sees its ends', async () => {
  const masked = 'IR20017***************6789';
  const support = shop.as(paymentsContract, userActor(newId(), ['support']));
  const admin = shop.staff('reza');
  const customerId = newId();
  const owner = shop.customer(customerId);
  const { id: bankAccountId } = await owner.addBankAccount({ sheba, holderName: 'سارا احمدی' });
  const ofAccount = async (client: typeof support) =>
    (await client.listAllBankAccounts({ limit: 100 })).items.find((one) => one.id === bankAccountId)?.sheba;
  expect([await ofAccount(admin), await ofAccount(support)]).toEqual([sheba, masked]);
  const checked = await support.verifyBankAccount({ bankAccountId, isVerified: true, reason: 'نام یکی است' });
  expect([checked.sheba, await ofAccount(admin), await ofAccount(support)]).toEqual([masked, masked, masked]);
  expect((await owner.listBankAccounts({})).items).toMatchObject([{ sheba }]);

  const { authority } = await topUp(customerId, 1_000_000);
  await comeBack(authority);
  const asked = await withdraw({ customerId, bankAccountId }, 500_000);
  expect(asked.sheba).toBe(sheba);
  const { id: withdrawalId } = asked;
  const ofWithdrawal = async (client: typeof support) =>
    (await client.listAllWithdrawals({ limit: 100 })).items.find((one) => one.id === withdrawalId)?.sheba;
  expect([await ofWithdrawal(admin), await ofWithdrawal(support)]).toEqual([masked, masked]);
  await admin.decideWithdrawal({ withdrawalId, isApproved: true, reason: 'درست است' });
  expect([await ofWithdrawal(admin), await ofWithdrawal(support)]).toEqual([sheba, masked]);
  const sent = await shop.staff('reza').recordWithdrawalTransfer({ withdrawalId, reference: `REF-${withdrawalId}` });
  expect(sent.sheba).toBe(masked);
  expect((await owner.listWithdrawals({})).items).toMatchObject([{ sheba }]);
});

test('staff see accounts that wait first, page by page', async () => {
  for (let index = 0; index < 3; index += 1)
    await shop.customer(newId()).addBankAccount({ sheba, holderName: `مشتری ${index}` });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const answer = await shop.staff('reza').listAllBankAccounts({ limit: 2, ...(cursor ? { cursor } : {}) });
    seen.push(...answer.items.map((item) => `${item.status} ${item.id}`));
    cursor = answer.nextCursor ?? undefined;
  } while (cursor);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.findLastIndex((entry) => entry.startsWith('pending'))).toBeLessThan(
    seen.findIndex((entry) => entry.startsWith('verified')),
  );
});
