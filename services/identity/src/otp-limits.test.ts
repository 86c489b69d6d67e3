import { createHash } from 'node:crypto';
import { otpProofOfWorkRequired } from '@kelid/contracts/identity';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  newIp,
  newPhone,
  problemOf,
  solvePuzzle,
  startIdentity,
  type TestIdentity,
  wrongCode,
} from './test-identity.ts';

// Every limit here is the one that the shop really has.
let identity: TestIdentity;
beforeAll(async () => {
  identity = await startIdentity();
});
afterEach(() => identity.passTime('3 days'));
afterAll(async () => {
  expect(await identity.brokenInvariants()).toEqual([]);
  await identity.close();
});

const ask = (phone: string, ip = newIp()) => identity.guest(ip).requestOtp({ phone });
const sentCount = () => identity.messages.length;

/** A nonce that is surely no solution: a fixed text would be one for every 256th challenge. */
function wrongNonce(challenge: string): string {
  for (let attempt = 0; ; attempt += 1) {
    const nonce = `wrong ${attempt}`;
    if (createHash('sha256').update(`${challenge}:${nonce}`).digest()[0] !== 0) return nonce;
  }
}

/** The puzzle that a call was answered with. */
async function puzzleOf(call: Promise<unknown>) {
  const problem = await problemOf(call);
  if (!otpProofOfWorkRequired.is(problem)) throw problem;
  return problem.data.proofOfWork;
}

test('A01 A10: one phone gets at most 3 codes in ten minutes, 5 in an hour and 10 in a day', async () => {
  const phone = newPhone();
  const sentAtMinute: number[] = [];
  const refusals = new Map<number, string>();
  for (let minute = 0; minute < 24 * 60; minute += minute < 130 ? 2 : 60) {
    const answer = await ask(phone).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    if (answer === undefined) sentAtMinute.push(minute);
    else refusals.set(minute, answer);
    await identity.passTime(minute < 130 ? '2 minutes' : '60 minutes');
  }
  const within = (minutes: number) =>
    Math.max(...sentAtMinute.map((start) => sentAtMinute.filter((at) => at >= start && at < start + minutes).length));
  expect([within(10), within(60), within(24 * 60)]).toEqual([3, 5, 10]);
  expect(new Set(refusals.values())).toEqual(new Set(['identity.otp-limited']));
});

test('an address asks for 30 codes in ten minutes freely, then works for each, and 300 in an hour is the end', async () => {
  const ip = newIp();
  for (let count = 0; count < 30; count += 1) await ask(newPhone(), ip);
  const phone = newPhone();
  const puzzle = await puzzleOf(ask(phone, ip));
  await ask(newPhone()); // Everybody else goes on.
  await identity.guest(ip).requestOtp({ phone, proofOfWork: solvePuzzle(puzzle) });
  await identity.rows(
    `insert into otp_sends (id, phone, phone_prefix, ip_prefix) select gen_random_uuid(), '+980000000000', '+9800000', $1 from generate_series(1, 269)`,
    [ip],
  );
  // The whole shop is at its 300 of the hour as well by now, so work comes first for everybody.
  const last = newPhone();
  expect(await problemOf(ask(last, ip))).toMatchObject({ code: 'identity.otp-limited', status: 429 });
  await identity.guest().requestOtp({ phone: last, proofOfWork: solvePuzzle(await puzzleOf(ask(last))) });
});

test('the customers of one IPv6 line count as one address, also when they all ask at the same moment', async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 45 }, (_, index) => ask(newPhone(), `2001:db8:7:7:0:0:0:${(index + 1).toString(16)}`)),
  );
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(30);
  expect(await identity.rows(`select distinct ip_prefix from otp_sends where ip_prefix like '%::/64'`)).toEqual([
    { ip_prefix: '2001:db8:7:7::/64' },
  ]);
});

test('an IPv6 address is the same line however it is written', async () => {
  await ask(newPhone(), '2001:db8:9::1');
  await ask(newPhone(), '2001:0db8:0009:0000:0000:0000:0000:0002');
  await ask(newPhone(), '2001:db8:9:0:ffff::3');
  await ask(newPhone(), '::ffff:198.51.100.7');
  expect(
    await identity.rows(
      `select ip_prefix, count(*)::int from otp_sends where ip_prefix like '2001:%9:%' or ip_prefix like '198.%' group by 1 order by 1`,
    ),
  ).toEqual([
    { ip_prefix: '198.51.100.7', count: 1 },
    { ip_prefix: '2001:db8:9:0::/64', count: 3 },
  ]);
});

test('A10: numbers in a row cost work from the 21st on, whatever addresses ask, one by one or all at once', async () => {
  const numbers = (start: number, count: number) =>
    Array.from({ length: count }, (_, index) => `0913${String(start + index).padStart(7, '0')}`);
  const before = sentCount();
  const answers = await Promise.allSettled(numbers(5_500_000, 60).map((phone) => ask(phone)));
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(20);
  for (const phone of numbers(5_500_060, 60)) await puzzleOf(ask(phone));
  expect(sentCount() - before).toBe(20);
});

describe('the puzzle', () => {
  const phone = newPhone();
  async function askedForWork() {
    await identity.rows(
      `insert into otp_sends (id, phone, phone_prefix, ip_prefix) select gen_random_uuid(), '+980000000000', '+9800000', '192.0.2.1' from generate_series(1, 30)`,
    );
    return puzzleOf(ask(phone, '192.0.2.1'));
  }

  test('opens one door: used twice, for another phone, changed or made up, it opens none', async () => {
    const puzzle = await askedForWork();
    const solved = solvePuzzle(puzzle);
    const other = newPhone();
    const withProof = (number: string, proofOfWork: { challenge: string; nonce: string }) =>
      identity.guest('192.0.2.1').requestOtp({ phone: number, proofOfWork });
    const [named = '', expires = '', bits = '', signature = ''] = puzzle.challenge.split('.');
    await puzzleOf(withProof(other, solved));
    await puzzleOf(withProof(phone, { ...solved, nonce: wrongNonce(puzzle.challenge) }));
    for (const challenge of [
      [named, expires, '0', signature].join('.'),
      [named, String(Number(expires) + 1), bits, signature].join('.'),
      [named, expires, bits, ''].join('.'),
      [named, expires, bits].join('.'),
      '',
    ])
      await puzzleOf(withProof(phone, solvePuzzle({ challenge, difficultyBits: 8 })));
    const together = await Promise.allSettled(Array.from({ length: 10 }, () => withProof(phone, solved)));
    expect(together.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
    await identity.passTime('2 minutes');
    await puzzleOf(withProof(phone, solved));
  });
});

test('A10: when the whole shop sends far more than usual, everybody works for a code and an alarm is raised', async () => {
  await identity.rows(
    `insert into otp_sends (id, phone, phone_prefix, ip_prefix) select gen_random_uuid(), '+980000000000', '+9800000', '192.0.2.9' from generate_series(1, 300)`,
  );
  const phone = newPhone();
  const puzzle = await puzzleOf(ask(phone));
  await identity.guest().requestOtp({ phone, proofOfWork: solvePuzzle(puzzle) });
  expect(identity.logLines.some((line) => line.includes('"alarm":"otp-flood"'))).toBe(true);
});

/** Asks, and works for it as often as it is told to. */
async function askAndWork(at: TestIdentity, input: { phone: string; device?: string }, ip = newIp()) {
  let proof: { proofOfWork?: ReturnType<typeof solvePuzzle> } = {};
  for (let tries = 0; ; tries += 1) {
    try {
      return await at.guest(ip).requestOtp({ ...input, ...proof });
    } catch (error) {
      if (!otpProofOfWorkRequired.is(error) || tries === 5) throw error;
      proof = { proofOfWork: solvePuzzle(error.data.proofOfWork) };
    }
  }
}

test('A10: the budget of the day is not passed by one code, by many who ask at once; and an alarm is raised', async () => {
  const small = await startIdentity({ IDENTITY_OTP_DAILY_MAX: '25', DATABASE_POOL_MAX: '40' });
  try {
    const answers = await Promise.allSettled(
      Array.from({ length: 60 }, () => askAndWork(small, { phone: newPhone() })),
    );
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(25);
    expect(small.messages).toHaveLength(25);
    expect(await problemOf(small.guest().requestOtp({ phone: newPhone() }))).toMatchObject({
      code: 'identity.otp-limited',
    });
    expect(small.logLines.some((line) => line.includes('"alarm":"otp-daily-cap"'))).toBe(true);
  } finally {
    await small.close();
  }
});

describe('a stranger who asks for the codes of a number that is not theirs', () => {
  async function spendCodesOf(phone: string): Promise<void> {
    for (let sent = 1; sent < 10; sent += 1) {
      await identity.passTime('61 minutes');
      await ask(phone);
    }
    await identity.passTime('61 minutes');
    expect(await problemOf(ask(phone))).toMatchObject({ code: 'identity.otp-limited' });
  }

  test('A01 A15: spends none of its owner: the device and the network that signed in before have codes of their own, with limits of their own', async () => {
    const [phone, device, home] = [newPhone(), crypto.randomUUID(), newIp()];
    const { challengeId } = await identity.guest(home).requestOtp({ phone, device });
    const owner = await identity.guest(home).verifyOtp({ challengeId, device, code: identity.codeOf(challengeId) });
    await spendCodesOf(phone);
    // From anywhere with the device; from home with a new browser; nobody else, and no device that another number signed in with.
    expect((await identity.signIn(phone, device)).user.id).toBe(owner.user.id);
    await identity.guest(home).requestOtp({ phone });
    const foreign = crypto.randomUUID();
    await identity.signIn(newPhone(), foreign);
    expect(await problemOf(identity.guest().requestOtp({ phone, device: foreign }))).toMatchObject({
      code: 'identity.otp-limited',
    });
    for (let sent = 1; sent < 10; sent += 1) {
      await identity.passTime('61 minutes');
      await identity.guest().requestOtp({ phone, device });
    }
    await identity.passTime('61 minutes');
    expect(await problemOf(identity.guest().requestOtp({ phone, device }))).toMatchObject({
      code: 'identity.otp-limited',
    });
  });

  test('I23: takes no code away that its owner was sent, and gives the owner no wait', async () => {
    const [phone, device] = [newPhone(), crypto.randomUUID()];
    await identity.signIn(phone, device);
    await identity.passTime('61 seconds');
    const { challengeId } = await identity.guest().requestOtp({ phone, device });
    await ask(phone);
    await identity.guest().verifyOtp({ challengeId, device, code: identity.codeOf(challengeId) });
  });

  test('A10: cannot shut out who signed in before: the last codes of a day are kept for them, and those end too', async () => {
    const small = await startIdentity({ IDENTITY_OTP_DAILY_MAX: '4', IDENTITY_OTP_DAILY_RESERVE: '3' });
    try {
      const [phone, device, home] = [newPhone(), crypto.randomUUID(), newIp()];
      const { challengeId } = await small.guest(home).requestOtp({ phone, device });
      await small.guest(home).verifyOtp({ challengeId, device, code: small.codeOf(challengeId) });
      for (let sent = 1; sent < 4; sent += 1) await askAndWork(small, { phone: newPhone() });
      expect(await problemOf(askAndWork(small, { phone: newPhone() }))).toMatchObject({ code: 'identity.otp-limited' });
      await small.passTime('61 seconds');
      // No work is asked of a device; a network works as everybody does.
      await small.guest().requestOtp({ phone, device });
      await askAndWork(small, { phone }, home);
      await small.passTime('61 seconds');
      await small.guest().requestOtp({ phone, device });
      await small.passTime('61 seconds');
      expect(await problemOf(small.guest().requestOtp({ phone, device }))).toMatchObject({
        code: 'identity.otp-limited',
      });
      expect(small.messages).toHaveLength(7);
    } finally {
      await small.close();
    }
  });

  test("A10: works twice as hard each time the load doubles or what is left of the day's codes halves", async () => {
    const bitsAt = async (sentCount: number, age: string) => {
      await identity.passTime('3 days');
      await identity.rows(
        `insert into otp_sends (id, phone, phone_prefix, ip_prefix, at)
         select gen_random_uuid(), '+980000000000', '+9800000', '192.0.2.9', now() - $2::interval from generate_series(1, $1::int)`,
        [sentCount, age],
      );
      const { difficultyBits } = await puzzleOf(ask(newPhone()));
      await identity.rows(`delete from otp_sends where phone = '+980000000000'`); // Time passes faster without them.
      return difficultyBits;
    };
    expect([
      await bitsAt(300, '30 minutes'),
      await bitsAt(600, '30 minutes'),
      await bitsAt(1_200, '30 minutes'),
      await bitsAt(2_500, '5 hours'),
      await bitsAt(3_750, '5 hours'),
      await bitsAt(4_999, '5 hours'),
    ]).toEqual([8, 9, 10, 8, 9, 19]);
  });
});

describe('A07: guessing over many challenges', () => {
  test('A15: a phone allows 10 wrong codes in an hour and 20 in a day, whoever asks from wherever; its known device still signs in', async () => {
    const phone = newPhone();
    const device = crypto.randomUUID();
    const owner = await identity.signIn(phone, device);
    await identity.passTime('1 hour');
    const wrongIn = async (minutes: number, step: number) => {
      let wrong = 0;
      for (let minute = 0; minute < minutes; minute += step) {
        const challenge = await ask(phone).catch(() => undefined);
        if (challenge) {
          const code = identity.codeOf(challenge.challengeId);
          for (let guess = 1; guess <= 5; guess += 1) {
            const { code: problem } = await problemOf(
              identity.guest().verifyOtp({ challengeId: challenge.challengeId, code: wrongCode(code, guess) }),
            );
            if (problem === 'identity.otp-wrong' || (problem === 'identity.otp_locked' && guess === 5)) wrong += 1;
          }
        }
        await identity.passTime(`${step} minutes`);
      }
      return wrong;
    };
    expect(await wrongIn(40, 4)).toBe(10);
    expect(await problemOf(ask(phone))).toMatchObject({ code: 'identity.otp-limited' });
    const again = await identity.signIn(phone, device);
    expect(again.user.id).toBe(owner.user.id);
    expect(await wrongIn(16 * 60, 15)).toBeLessThanOrEqual(10);
    expect(await identity.rows(`select count(*)::int from otp_failures where phone = $1`, [owner.user.phone])).toEqual([
      { count: 20 },
    ]);
    expect((await identity.signIn(phone, device)).user.id).toBe(owner.user.id);
    expect(identity.logLines.some((line) => line.includes('"alarm":"otp-guessing"'))).toBe(true);
  });

  test('wrong codes sent at the same moment do not pass the budget together', async () => {
    const phone = newPhone();
    const { challengeId } = await ask(phone);
    await identity.rows(
      `insert into otp_failures (id, phone) select gen_random_uuid(), $1 from generate_series(1, 8)`,
      [`+98${phone.slice(1)}`],
    );
    const code = identity.codeOf(challengeId);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        problemOf(identity.guest().verifyOtp({ challengeId, code: wrongCode(code, index + 1) })),
      ),
    );
    expect(
      await identity.rows(`select count(*)::int from otp_failures where phone = $1`, [`+98${phone.slice(1)}`]),
    ).toEqual([{ count: 10 }]);
    expect(await problemOf(identity.guest().verifyOtp({ challengeId, code }))).toMatchObject({
      code: 'identity.otp-limited',
    });
  });

  test("a stranger's device gets nothing from a device that another phone knows", async () => {
    const device = crypto.randomUUID();
    await identity.signIn(newPhone(), device);
    const phone = newPhone();
    await identity.rows(
      `insert into otp_failures (id, phone) select gen_random_uuid(), $1 from generate_series(1, 10)`,
      [`+98${phone.slice(1)}`],
    );
    expect(await problemOf(identity.guest().requestOtp({ phone, device }))).toMatchObject({
      code: 'identity.otp-limited',
    });
  });
});
