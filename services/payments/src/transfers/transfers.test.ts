import { paymentsContract } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { receipt, startPayments, startTransfer, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_CARD_NUMBER: '6037990000000006',
    PAYMENTS_CARD_HOLDER: 'فروشگاه کلید',
  });
});
afterEach(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

test('CK-7: a transfer delivers nothing before staff have seen it, may be corrected until then, and its number pays once', async () => {
  const { order, attemptId, redirectUrl, owner } = await startTransfer(shop);
  expect(redirectUrl).toBe(`http://localhost:3000/payment/transfer/${attemptId}`);
  expect(await owner.getTransfer({ attemptId })).toMatchObject({ status: 'waiting', cardNumber: '6037990000000006' });
  const named = receipt();
  await owner.submitTransfer({ attemptId, ...receipt() });
  expect(await owner.submitTransfer({ attemptId, ...named })).toMatchObject({ status: 'submitted', ...named });
  await shop.comeDue(attemptId, 20);
  await shop.host.sweep('payments', 'settle-due-attempts');
  expect(await shop.intentStatus(order)).toBe('open');

  const other = await startTransfer(shop);
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
  const { order, attemptId, owner } = await startTransfer(shop, 60_000_000);
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
  const rejected = await startTransfer(shop);
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
  const { order, attemptId, owner } = await startTransfer(shop);
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
  const second = await startTransfer(shop);
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
    const one = await startTransfer(shop);
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
    const both = [await startTransfer(shop), await startTransfer(shop)];
    const named = receipt();
    const all = await Promise.allSettled(
      both.map(({ owner, attemptId }) => owner.submitTransfer({ attemptId, ...named })),
    );
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  }
  const { owner, attemptId } = await startTransfer(shop);
  for (let at = 0; at < 5; at += 1) await owner.submitTransfer({ attemptId, ...receipt() });
  const sixth = receipt();
  await expect(owner.submitTransfer({ attemptId, ...sixth })).rejects.toMatchObject({
    code: 'payments.too-many-transfer-numbers',
  });
  const next = await startTransfer(shop);
  await next.owner.submitTransfer({ attemptId: next.attemptId, ...sixth }); // Refused there, so it took nothing.
});

test('CP8: staff approved a transfer and the process died: the sweep captures it', async () => {
  const { order, attemptId, owner } = await startTransfer(shop);
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
