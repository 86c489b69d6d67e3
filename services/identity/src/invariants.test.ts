import { afterEach, beforeEach, expect, test } from 'vitest';
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
