import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { newId } from '@kelid/service/ids';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`);
  bank = controlOf(simulators.url);
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

const post = async (kind: string, ref: string, accounts: string[], amounts: number[]) => {
  const [row] = await shop.sql('payments', 'select ledger_post($1, $2, null, $3, $4) as posted', [
    kind,
    ref,
    accounts,
    amounts,
  ]);
  return row?.['posted'];
};
const balances = async () =>
  Object.fromEntries(
    (await shop.orders.getTrialBalance({})).accounts.map(({ account, balanceRial }) => [account, balanceRial]),
  );
const walletOf = (customerId: string) => shop.customer(customerId).getWallet({});

async function paidOrder(amountRial = 2_500_000): Promise<TestOrder & { attemptId: string }> {
  const order = await shop.owe(amountRial);
  const { attemptId, authority } = await shop.start(order);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
  expect((await shop.attempt(attemptId)).status).toBe('captured');
  return { ...order, attemptId };
}

function fulfilled({ orderId, customerId, amountRial }: TestOrder) {
  const order = { orderId, customerId, orderNumber: 'KL-1', version: 4 };
  return { ...order, totalRial: amountRial, contact: {}, lines: [], fulfilledAt: new Date().toISOString() };
}

const Posting = fc.record({
  kind: fc.constantFrom('gift', 'sale', 'surplus', 'spend'),
  ref: fc.nat(15),
  accounts: fc.array(fc.constantFrom('clearing:zarinpal', 'deposits:orders', 'revenue:sales', 'wallet:0', 'wallet:1'), {
    minLength: 2,
    maxLength: 5,
  }),
  amounts: fc.array(
    fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).filter((amount) => amount !== 0),
    { minLength: 1, maxLength: 4 },
  ),
  isBalanced: fc.boolean(),
});

test('I8 I9: whatever is posted, at once and again: only what sums to zero is written, once, and no wallet goes below zero', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Posting, { minLength: 1, maxLength: 12 }), async (postings) => {
      const customers = [newId(), newId()];
      const refs = Array.from({ length: 16 }, () => newId());
      const written = new Set<string>();
      const expected = [0, 0];
      const before = await balances();
      for (const posting of postings) {
        const accounts = posting.accounts.map((account) =>
          account.startsWith('wallet:') ? `wallet:${customers[Number(account.slice(7))]}` : account,
        );
        const amounts = posting.amounts.slice(0, accounts.length - 1);
        while (amounts.length < accounts.length - 1) amounts.push(10);
        const rest = -amounts.reduce((sum, amount) => sum + amount, 0);
        amounts.push(posting.isBalanced ? rest : rest + 1);
        const isSound = posting.isBalanced && rest !== 0;
        const key = `${posting.kind} ${posting.ref}`;
        const after = expected.map(
          (balance, index) =>
            balance -
            amounts.reduce(
              (sum, amount, at) => (accounts[at] === `wallet:${customers[index]}` ? sum + amount : sum),
              0,
            ),
        );
        const isNew = !written.has(key);
        const isCovered = after.every((balance) => balance >= 0);
        // A repetition is answered false and writes nothing, whatever its amounts are.
        const wanted = isSound ? (isNew ? (isCovered ? true : 'refused') : false) : 'refused';
        const ask = () => post(posting.kind, refs[posting.ref] ?? '', accounts, amounts).catch((): string => 'refused');
        const answers = await Promise.all([ask(), ask()]);
        if (wanted === true) {
          expect(answers.filter((answer) => answer === true)).toHaveLength(1);
          expect(answers).toContain(false);
          written.add(key);
          expected.splice(0, 2, ...after);
        } else if (posting.isBalanced || wanted !== 'refused') expect(answers).toEqual([answers[0], answers[0]]);
        if (wanted === false) expect(answers).toEqual([false, false]);
        if (wanted === 'refused' && isNew) expect(answers).toEqual(['refused', 'refused']);
      }
      for (const [index, customerId] of customers.entries())
        expect((await walletOf(customerId)).balanceRial).toBe(expected[index]);
      const after = await balances();
      expect(Object.values(after).reduce((sum, balance) => sum + balance, 0)).toBe(0);
      if (written.size === 0) expect(after).toEqual(before);
      expect(await shop.brokenInvariants()).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('I8: a wallet is spent down to zero and not one Rial further, also by many at once', async () => {
  const customerId = newId();
  const wallet = `wallet:${customerId}`;
  await post('gift', newId(), ['clearing:zarinpal', wallet], [1_000, -1_000]);
  const spend = (amount: number) => post('spend', newId(), [wallet, 'deposits:orders'], [amount, -amount]);
  await expect(spend(1_001)).rejects.toMatchObject({ code: '23514' });
  const spent = await Promise.allSettled(Array.from({ length: 20 }, () => spend(300)));
  expect(spent.filter((settled) => settled.status === 'fulfilled')).toHaveLength(3);
  expect(await walletOf(customerId)).toEqual({ balanceRial: 100, heldRial: 0 });
  await expect(post('spend', newId(), [`wallet:${newId()}`, 'deposits:orders'], [1, -1])).rejects.toThrow();
});

test.each([
  "insert into ledger_transactions (id, kind, business_ref) values (gen_random_uuid(), 'gift', gen_random_uuid())",
  "insert into ledger_entries (id, transaction_id, account, amount_rial) select gen_random_uuid(), id, 'revenue:sales', 1 from ledger_transactions limit 1",
  'update ledger_entries set amount_rial = amount_rial + 1',
  'update ledger_transactions set business_ref = gen_random_uuid()',
  'delete from ledger_entries',
  'delete from ledger_transactions',
  'truncate ledger_entries',
  'truncate ledger_transactions cascade',
  'insert into wallets (customer_id, balance_rial) values (gen_random_uuid(), 1000000)',
  'update wallets set balance_rial = balance_rial + 1',
  'delete from wallets',
  "update attempt_history set actor = 'nobody'",
  'delete from attempt_history',
  'delete from payment_attempts',
  'delete from payment_intents',
  "insert into attempt_moves values ('failed', 'captured')",
  'alter table ledger_entries disable trigger all',
  'drop trigger ledger_entries_stay on ledger_entries',
])('I8: the app itself cannot do this, whatever bug it has: %s', async (statement) => {
  await paidOrder();
  const before = await balances();
  await expect(shop.sql('payments', statement)).rejects.toMatchObject({ code: '42501' });
  expect(await balances()).toEqual(before);
});

test("I8: even the tables' owner does not change the ledger by mistake, nor leaves a transaction that does not sum to zero", async () => {
  await paidOrder();
  for (const statement of [
    'update ledger_entries set amount_rial = amount_rial + 1',
    'delete from ledger_transactions',
    'truncate ledger_entries',
    'delete from attempt_history',
  ])
    await expect(shop.ownerSql('payments', statement)).rejects.toMatchObject({ code: 'KE026' });
  await expect(
    shop.ownerSql(
      'payments',
      `with made as (insert into ledger_transactions (id, kind, business_ref) values (uuidv7(), 'gift', uuidv7()) returning id)
       insert into ledger_entries (id, transaction_id, account, amount_rial) select uuidv7(), id, 'revenue:sales', 1 from made`,
    ),
  ).rejects.toMatchObject({ code: 'KE025' });
  await expect(
    shop.ownerSql(
      'payments',
      `insert into ledger_entries (id, transaction_id, account, amount_rial) select uuidv7(), id, 'revenue:sales', 1 from ledger_transactions limit 1`,
    ),
  ).rejects.toMatchObject({ code: 'KE025' });
});

test('I9: each event delivered three times, shuffled and at once, posts once: money, its sale, and what goes to the wallet', async () => {
  const before = await balances();
  const sold = await paidOrder(300_000);
  const refused = await paidOrder(400_000);
  const saleId = newId();
  const refusal = { orderId: refused.orderId, attemptId: refused.attemptId, customerId: refused.customerId };
  const deliveries = Array.from({ length: 3 }, () => [
    () => shop.deliver('order.fulfilled', fulfilled(sold), saleId),
    () => shop.deliver('order.fulfilled', fulfilled(sold)), // A replay from elsewhere has another id.
    () => shop.deliver('order.payment-refused', refusal),
    () => shop.deliver('order.expired', { ...sold, orderNumber: 'KL-1', version: 9 }),
  ]).flat();
  await Promise.all(
    fc.sample(fc.shuffledSubarray(deliveries, { minLength: deliveries.length }), 1)[0]?.map((run) => run()) ?? [],
  );
  const after = await balances();
  const moved = (account: string) => (after[account] ?? 0) - (before[account] ?? 0);
  expect(moved('clearing:zarinpal')).toBe(700_000);
  expect(moved('deposits:orders')).toBe(0);
  expect(moved('revenue:sales')).toBe(-300_000);
  expect(moved('wallets')).toBe(-400_000);
  expect(await walletOf(refused.customerId)).toMatchObject({ balanceRial: 400_000 });
  expect(await shop.published('payment.surplus', refused.orderId)).toHaveLength(1);
  expect(await shop.intentStatus(sold)).toBe('captured');
});

test('I9: a sale is owed to its seller, each on an account of its own; the shop has the rest, and the state its VAT', async () => {
  const before = await balances();
  const sold = await paidOrder(1_000_000);
  const [one, two] = [newId(), newId()];
  const sellers = [
    { sellerId: one, amountRial: 300_000 },
    { sellerId: two, amountRial: 200_000 },
  ];
  const event = { ...fulfilled(sold), vatRial: 100_000, sellers };
  await Promise.all([1, 2, 3].map(() => shop.deliver('order.fulfilled', event)));
  const after = await balances();
  const moved = (account: string) => (after[account] ?? 0) - (before[account] ?? 0);
  expect(moved('deposits:orders')).toBe(0);
  expect(moved('vat:payable')).toBe(-100_000);
  expect(moved(`seller:${one}`)).toBe(-300_000);
  expect(moved(`seller:${two}`)).toBe(-200_000);
  expect(moved('revenue:sales')).toBe(-400_000);
  // Where everything is somebody else's, the shop has no entry, and none of 0.
  const other = await paidOrder(500_000);
  await shop.deliver('order.fulfilled', { ...fulfilled(other), sellers: [{ sellerId: one, amountRial: 500_000 }] });
  const entries = await shop.sql(
    'payments',
    "select e.account, e.amount_rial::int as rial from ledger_entries e join ledger_transactions t on t.id = e.transaction_id where t.order_id = $1 and t.kind = 'sale' order by 2",
    [other.orderId],
  );
  expect(entries).toEqual([
    { account: `seller:${one}`, rial: -500_000 },
    { account: 'deposits:orders', rial: 500_000 },
  ]);
});

test('A67: a free order that was delivered posts nothing: it has no deposit and no payment', async () => {
  const before = await balances();
  const orderId = newId();
  await shop.deliver('order.fulfilled', fulfilled({ orderId, customerId: newId(), amountRial: 0 }));
  expect(await balances()).toEqual(before);
  expect(await shop.sql('payments', 'select 1 from ledger_transactions where order_id = $1', [orderId])).toEqual([]);
});

test('I5: captured money shows as not accounted for until it is fulfilled or the customer has it back', async () => {
  const sold = await paidOrder();
  const refused = await paidOrder();
  const unaccounted = async () =>
    (await shop.sql('payments', 'select order_id from captures_unaccounted')).map((row) => row['order_id']);
  expect(await unaccounted()).toEqual(expect.arrayContaining([sold.orderId, refused.orderId]));

  await shop.sql('payments', `update payment_attempts set updated_at = now() - interval '16 minutes' where id = $1`, [
    sold.attemptId,
  ]);
  // How long a paid order may wait is its own affair: a pre-order waits for weeks.
  expect(await shop.brokenInvariants()).toEqual([]);

  await shop.deliver('order.fulfilled', fulfilled(sold));
  await shop.deliver('order.payment-refused', refused);
  expect(await unaccounted()).not.toContain(sold.orderId);
  expect(await unaccounted()).not.toContain(refused.orderId);
});

test('I7 I9: a refusal of a payment that was never captured gives nobody money', async () => {
  const order = await shop.owe();
  const { attemptId } = await shop.start(order);
  await shop.deliver('order.payment-refused', { orderId: order.orderId, attemptId, customerId: order.customerId });
  await shop.deliver('order.payment-refused', { orderId: order.orderId, attemptId: newId(), customerId: newId() });
  expect(await walletOf(order.customerId)).toEqual({ balanceRial: 0, heldRial: 0 });
});

test('a customer reads the movements of the own wallet page by page, newest first, and nobody else reads them', async () => {
  const customerId = newId();
  for (const amount of [1, 2, 3, 4, 5])
    await post('gift', newId(), ['clearing:zarinpal', `wallet:${customerId}`], [amount, -amount]);
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await shop.customer(customerId).listWalletEntries({ limit: 2, ...(cursor ? { cursor } : {}) });
    seen.push(...page.items.map((item) => item.amountRial));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toEqual([5, 4, 3, 2, 1]);
  expect((await shop.customer(newId()).listWalletEntries({})).items).toEqual([]);
  await expect(shop.browser.listWalletEntries({})).rejects.toThrow();
});

test('a made-up cursor is refused and is no error of ours', async () => {
  await expect(shop.customer(newId()).listWalletEntries({ cursor: "' or 1=1" })).rejects.toMatchObject({ status: 422 });
});

test('I9 I11: an order that cannot be delivered gives back what is asked, once, never more than was captured, and earns the rest', async () => {
  const order = await paidOrder(2_500_000);
  const sellerId = newId();
  const ask = (refundRial: number, orderId = order.orderId) =>
    shop.sql('payments', 'select payments_refund_order($1, $2, $3, $4) as done', [
      orderId,
      refundRial,
      100_000,
      JSON.stringify([{ sellerId, amountRial: 400_000 }]),
    ]);
  const before = await balances();
  for (const wrong of [0, -1, 2_500_001]) await expect(ask(wrong)).rejects.toMatchObject({ code: 'KE027' });
  await expect(ask(1_000, newId())).rejects.toMatchObject({ code: 'KE027' });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(1_000_000)));
  expect(answers.flat().filter((row) => row['done'] === true)).toHaveLength(1);
  expect(await walletOf(order.customerId)).toMatchObject({ balanceRial: 1_000_000 });
  const after = await balances();
  expect((after['revenue:sales'] ?? 0) - (before['revenue:sales'] ?? 0)).toBe(-1_000_000);
  expect((after['vat:payable'] ?? 0) - (before['vat:payable'] ?? 0)).toBe(-100_000);
  expect(after[`seller:${sellerId}`]).toBe(-400_000);
  expect((after['deposits:orders'] ?? 0) - (before['deposits:orders'] ?? 0)).toBe(2_500_000);
  const told = await shop.sql(
    'payments',
    "select 1 from outbox where type = 'payment.refunded' and data->>'orderId' = $1",
    [order.orderId],
  );
  expect(told).toHaveLength(1);
});

test('I9 I11: bad units of an order are refunded once for each complaint, and all together never more than was captured', async () => {
  const order = await paidOrder(2_500_000);
  await shop.deliver('order.fulfilled', fulfilled(order));
  const { orderId, customerId } = order;
  const refund = (complaintId: string, refundRial: number) =>
    shop.deliver('order.refund-due', {
      orderId,
      customerId,
      orderNumber: 'KL-1',
      version: 4,
      totalRial: order.amountRial,
      refundRial,
      complaintId,
    });
  const [first, second] = [newId(), newId()];
  await Promise.allSettled(Array.from({ length: 8 }, () => refund(first, 1_000_000)));
  expect(await walletOf(customerId)).toMatchObject({ balanceRial: 1_000_000 });
  await expect(refund(second, 1_500_001)).rejects.toThrow();
  await refund(second, 1_500_000);
  await expect(refund(newId(), 1)).rejects.toThrow();
  expect(await walletOf(customerId)).toMatchObject({ balanceRial: 2_500_000 });
  const told = await shop.sql(
    'payments',
    "select 1 from outbox where type = 'payment.refunded' and data->>'orderId' = $1",
    [orderId],
  );
  expect(told).toHaveLength(2);
});
