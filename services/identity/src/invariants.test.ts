import { identityContract } from '@kelid/contracts/identity';
import { newId } from '@kelid/service/ids';
import { invariantsBeside } from '@kelid/service/invariants';
import { userActor } from '@kelid/testing/start-service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityService } from './service.ts';
import { newPhone, startIdentity, type TestIdentity } from './test-identity.ts';

let identity: TestIdentity;
beforeEach(async () => {
  identity = await startIdentity();
  const { user } = await identity.signIn(newPhone());
  await identity.rows(`insert into otp_challenges (id, phone, code_hash, status, attempt_count, expires_at)
    values (gen_random_uuid(), '${user.phone}', '', 'issued', 0, now())`);
});
afterEach(() => identity.close());

// What the checks are for: each of these is a shop gone wrong.
test.each([
  ['AU-1', `update users set phone = '+1555'`],
  ['I23', `update otp_challenges set phone = 'x', status = 'issued', attempt_count = 1`],
  ['I23', `update otp_challenges set status = 'consumed', attempt_count = 0`],
  [
    'AU-7',
    `insert into sessions (id, user_id, token_hash, user_agent, ip_prefix) select gen_random_uuid(), id, n::text, '', '' from users, generate_series(1, 10) n`,
  ],
  ['AU-8', `update users set status = 'banned'`],
  ['I22', `update sessions set revoked_at = now()`],
  ['I22', `insert into spent_tokens (token_hash, session_id) select token_hash, id from sessions`],
  ['I14', `update sessions set revoked_at = now(), revoke_reason = 'lost'`],
  ['I24', `update users set roles = '{admin}'`],
  ['A31', `delete from signing_keys`],
])('the check %s finds: %s', async (id, statement) => {
  expect(await identity.brokenInvariants()).toEqual([]);
  await identity.rows(statement);
  expect(await identity.brokenInvariants()).toContainEqual(expect.stringMatching(`^${id}:`));
});

const look = async () => {
  await identity.rows('update monitor_marks set due_at = now()');
  await identity.host.sweep('identity', 'watch-invariants');
};
const found = async () =>
  (await identity.as(identityContract, userActor(newId(), ['developer'])).listAccountBreaches({ limit: 100 })).items;

test('I14: a session that ended longer ago than what was told is kept is no breach; one that ended untold is an alarm, kept until staff settle it', async () => {
  const { user, sessionId } = await identity.signIn(newPhone());
  await identity.internal().setUserStatus({ userId: user.id, status: 'banned', reason: 'a test' });
  await identity.rows("update sessions set revoked_at = revoked_at - interval '8 days' where revoked_at is not null");
  await identity.rows("delete from outbox where type = 'session.revoked'");
  expect(await identity.brokenInvariants()).toEqual([]);
  await look();
  expect(await found()).toEqual([]);

  await identity.rows('update sessions set revoked_at = now() where id = $1', [sessionId]);
  await look();
  const [breach] = await found();
  expect(breach).toMatchObject({ invariant: 'I14', subject: sessionId, variantId: null, settledAt: null });
  await look();
  const alarms = identity.logLines.filter((line) => line.includes('invariant-broken') && line.includes(sessionId));
  expect(alarms).toHaveLength(1);
  const admin = identity.as(identityContract, userActor(newId(), ['admin']));
  await admin.settleAccountBreach({ breachId: breach?.id ?? '', reason: 'told by hand' });
  expect(await found()).toMatchObject([{ settleReason: 'told by hand' }]);
});

test('H13: every invariant of accounts is watched', async () => {
  await look();
  const [marks] = await identity.rows("select count(*)::int from monitor_marks where looked_until > '-infinity'");
  expect(marks?.['count']).toBe((await invariantsBeside(identityService.migrationsFolder)).length);
});
