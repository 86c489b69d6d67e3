import { afterAll, beforeAll, expect, test } from 'vitest';
import { otpWrong } from '@kelid/contracts/identity';
import { newPhone, problemOf, startIdentity, type TestIdentity, wrongCode } from './test-identity.ts';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startIdentity({ IDENTITY_OTP_GLOBAL_PER_HOUR: '100000' });
});
afterAll(async () => {
  expect(await identity.brokenInvariants()).toEqual([]);
  await identity.close();
});

const newDevice = () => crypto.randomUUID();

async function askFor(phone: string, device?: string) {
  const { challengeId } = await identity.guest().requestOtp({ phone, ...(device === undefined ? {} : { device }) });
  return { challengeId, code: identity.codeOf(challengeId) };
}

test('AU-1: a new phone gets a code, and the code gives it an account and a session; the next time it is the same account', async () => {
  const phone = newPhone();
  const first = await identity.signIn(phone);
  expect(first.user).toMatchObject({ phone: `+98${phone.slice(1)}`, roles: ['customer'] });
  expect(await identity.internal().checkSession({ sessionId: first.sessionId })).toEqual({ isLive: true });
  await identity.passTime('61 seconds');
  const second = await identity.signIn(phone);
  expect(second.user.id).toBe(first.user.id);
  expect(second.sessionId).not.toBe(first.sessionId);
  const registered = await identity.rows(
    `select data from outbox where type = 'user.registered' and data->>'userId' = $1`,
    [first.user.id],
  );
  expect(registered).toEqual([{ data: { userId: first.user.id, phone: first.user.phone } }]);
});

test('AU-1: a code has six digits, is for 180 seconds, and is stored neither readable nor as a bare hash', async () => {
  const { challengeId, code } = await askFor(newPhone());
  expect(code).toMatch(/^\d{6}$/);
  const [row] = await identity.rows(
    `select code_hash, extract(epoch from expires_at - created_at)::int as seconds, to_jsonb(c)::text as text from otp_challenges c where id = $1`,
    [challengeId],
  );
  expect(row).toMatchObject({ seconds: 180, code_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(String(row?.['text'])).not.toContain(`"${code}"`);
  expect(identity.logLines.join('')).not.toContain(code);
});

test('A01: of two requests for one phone within a minute the second is refused and one SMS leaves, also when they come together', async () => {
  const phone = newPhone();
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => identity.guest().requestOtp({ phone })));
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
  for (const answer of answers)
    if (answer.status === 'rejected')
      expect(answer.reason).toMatchObject({
        code: 'identity.otp-too-soon',
        status: 429,
        data: { retryAfterSeconds: expect.any(Number) },
      });
  expect(identity.messages.filter((sms) => sms.phone === `+98${phone.slice(1)}`)).toHaveLength(1);
});

test('A02 AU-2: after five wrong codes the right one is refused too', async () => {
  const { challengeId, code } = await askFor(newPhone());
  const answers: unknown[] = [];
  for (let step = 1; step <= 5; step += 1) {
    const problem = await problemOf(identity.guest().verifyOtp({ challengeId, code: wrongCode(code, step) }));
    answers.push([problem.status, problem.code, otpWrong.is(problem) ? problem.data.attemptsLeft : undefined]);
  }
  expect(answers).toEqual([
    [401, 'identity.otp-wrong', 4],
    [401, 'identity.otp-wrong', 3],
    [401, 'identity.otp-wrong', 2],
    [401, 'identity.otp-wrong', 1],
    [401, 'identity.otp_locked', undefined],
  ]);
  expect(await problemOf(identity.guest().verifyOtp({ challengeId, code }))).toMatchObject({
    status: 401,
    code: 'identity.otp_locked',
  });
});

test('A02: asking for a new code does not give new tries', async () => {
  const phone = newPhone();
  const first = await askFor(phone);
  for (let step = 1; step <= 3; step += 1)
    await problemOf(identity.guest().verifyOtp({ challengeId: first.challengeId, code: wrongCode(first.code, step) }));
  await identity.passTime('61 seconds');
  const second = await askFor(phone);
  expect(
    await problemOf(identity.guest().verifyOtp({ challengeId: second.challengeId, code: wrongCode(second.code) })),
  ).toMatchObject({ data: { attemptsLeft: 1 } });
});

test('A03 I23: of 100 guesses at the same moment five are compared, and the right code among the rest opens nothing', async () => {
  const { challengeId, code } = await askFor(newPhone());
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      problemOf(identity.guest().verifyOtp({ challengeId, code: wrongCode(code, index + 1) })),
    ),
  );
  expect(answers.every((answer) => answer.status === 401)).toBe(true);
  const [row] = await identity.rows(
    `select attempt_count, (select count(*)::int from otp_failures f where f.phone = c.phone) as failures from otp_challenges c where id = $1`,
    [challengeId],
  );
  expect(row).toEqual({ attempt_count: 5, failures: 5 });
  expect(await problemOf(identity.guest().verifyOtp({ challengeId, code }))).toMatchObject({ status: 401 });
});

test('A04 I23 AU-2: the right code sent many times at once gives one session, and never another later', async () => {
  const { challengeId, code } = await askFor(newPhone());
  const answers = await Promise.allSettled(
    Array.from({ length: 5 }, () => identity.guest().verifyOtp({ challengeId, code })),
  );
  const winners = answers.filter((answer) => answer.status === 'fulfilled');
  expect(winners).toHaveLength(1);
  for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 401 });
  const userId = winners[0]?.status === 'fulfilled' ? winners[0].value.user.id : '';
  expect(await identity.rows(`select id from sessions where user_id = $1`, [userId])).toHaveLength(1);
  expect(await problemOf(identity.guest().verifyOtp({ challengeId, code }))).toMatchObject({ status: 401 });
});

test('a right code leaves no wrong try behind', async () => {
  const tokens = await identity.signIn(newPhone());
  expect(await identity.rows(`select id from otp_failures where phone = $1`, [tokens.user.phone])).toEqual([]);
});

test('A05: the code of another challenge or phone, and the right code from another browser, are refused', async () => {
  const [mine, other] = await Promise.all([askFor(newPhone()), askFor(newPhone())]);
  if (mine.code !== other.code)
    expect(
      await problemOf(identity.guest().verifyOtp({ challengeId: mine.challengeId, code: other.code })),
    ).toMatchObject({ status: 401, code: 'identity.otp-wrong' });
  const device = newDevice();
  const bound = await askFor(newPhone(), device);
  expect(await problemOf(identity.guest().verifyOtp({ ...bound, device: newDevice() }))).toMatchObject({ status: 401 });
  expect(await problemOf(identity.guest().verifyOtp(bound))).toMatchObject({ status: 401 });
  await identity.guest().verifyOtp({ ...bound, device });
  expect(
    await problemOf(identity.guest().verifyOtp({ challengeId: crypto.randomUUID(), code: bound.code })),
  ).toMatchObject({ status: 422 });
});

test('A06 AU-2: a code is over after 180 seconds, and the old one at once when a new one was sent', async () => {
  const phone = newPhone();
  const late = await askFor(phone);
  await identity.passTime('181 seconds');
  expect(await problemOf(identity.guest().verifyOtp(late))).toMatchObject({
    status: 401,
    code: 'identity.otp_expired',
  });
  const old = await askFor(phone);
  await identity.passTime('61 seconds');
  const fresh = await askFor(phone);
  expect(await problemOf(identity.guest().verifyOtp(old))).toMatchObject({ status: 401 });
  await identity.guest().verifyOtp(fresh);
});

test('A08: foreign numbers, landlines, short and endless numbers get no SMS', async () => {
  const before = identity.messages.length;
  for (const phone of [
    '+19120000000',
    '+447911123456',
    '02122334455',
    '+982122334455',
    '1000',
    '0912000000',
    '091200000000',
    '+9809120000000',
    '9'.repeat(39),
    '9'.repeat(300),
    '',
    '0912\u00000000000',
    "0912'; drop table users; --",
  ])
    expect([phone, (await problemOf(identity.guest().requestOtp({ phone }))).status]).toEqual([phone, 422]);
  expect(identity.messages.length).toBe(before);
});

test('A09: every spelling of a number is the same account', async () => {
  const spellings = [
    '09121234567',
    '+989121234567',
    '00989121234567',
    '989121234567',
    '9121234567',
    '۰۹۱۲۱۲۳۴۵۶۷',
    '٠٩١٢١٢٣٤٥٦٧',
    ' 0912 123 45 67 ',
    '0912-123-4567',
    '\u200E+98\u202A 912 123 4567\u202C',
  ];
  const users = new Set<string>();
  for (const spelling of spellings) {
    await identity.passTime('1 day');
    users.add((await identity.signIn(spelling)).user.id);
  }
  expect(users.size).toBe(1);
});

test('the code may be typed in Persian digits', async () => {
  const { challengeId, code } = await askFor(newPhone());
  const typed = code.replaceAll(/\d/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'[Number(digit)] ?? '');
  await identity.guest().verifyOtp({ challengeId, code: ` ${typed} ` });
});

test('A11 I13: a phone that is no text, and fields that nobody asked for, are refused', async () => {
  const phone = newPhone();
  const inputs = [{ phone: [phone] }, { phone: { $ne: '' } }, { phone: 912 }, { phone, roles: ['admin'] }, {}];
  for (const input of inputs)
    expect(
      await problemOf(
        identity.host.call('identity', 'requestOtp', input, {
          ...identity.host.contextOf('test'),
          actor: { kind: 'guest' },
        }),
      ),
    ).toMatchObject({ status: 422, code: 'invalid-input' });
  expect(identity.messages.filter((sms) => sms.phone === `+98${phone.slice(1)}`)).toEqual([]);
});

test('A12: a known phone and a new one are answered alike', async () => {
  const known = newPhone();
  await identity.signIn(known);
  await identity.passTime('61 seconds');
  const answers = await Promise.all([known, newPhone()].map((phone) => identity.guest().requestOtp({ phone })));
  expect(Object.keys(answers[0] ?? {})).toEqual(Object.keys(answers[1] ?? {}));
  const refusals = await Promise.all(
    answers.map(({ challengeId }) =>
      problemOf(identity.guest().verifyOtp({ challengeId, code: wrongCode(identity.codeOf(challengeId)) })),
    ),
  );
  expect(refusals[0]).toEqual(refusals[1]);
});

test('F22: when the SMS service is away the customer hears "try later", and the send still counts', async () => {
  const phone = newPhone();
  identity.setSmsAway(true);
  expect(await problemOf(identity.guest().requestOtp({ phone }))).toMatchObject({
    status: 503,
    code: 'identity.otp-not-sent',
  });
  identity.setSmsAway(false);
  expect(await problemOf(identity.guest().requestOtp({ phone }))).toMatchObject({ code: 'identity.otp-too-soon' });
  await identity.passTime('61 seconds');
  await identity.signIn(phone);
});

test('a banned customer learns of it after a right code only, and gets no session', async () => {
  const phone = newPhone();
  const { user } = await identity.signIn(phone);
  await identity.internal().setUserStatus({ userId: user.id, status: 'banned', reason: 'stolen cards' });
  await identity.passTime('61 seconds');
  const { challengeId, code } = await askFor(phone);
  expect(await problemOf(identity.guest().verifyOtp({ challengeId, code: wrongCode(code) }))).toMatchObject({
    status: 401,
  });
  expect(await problemOf(identity.guest().verifyOtp({ challengeId, code }))).toMatchObject({ code: 'forbidden' });
  expect(await identity.rows(`select id from sessions where user_id = $1 and revoked_at is null`, [user.id])).toEqual(
    [],
  );
});
