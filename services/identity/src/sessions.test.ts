import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '@kelid/contracts/contract';
import { identityContract } from '@kelid/contracts/identity';
import { newId } from '@kelid/service/ids';
import { userActor, waitFor } from '@kelid/testing/start-service';
import { newPhone, problemOf, startIdentity, type TestIdentity, type Tokens } from './test-identity.ts';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await startIdentity({ IDENTITY_OTP_GLOBAL_PER_HOUR: '100000', IDENTITY_OTP_RESEND_SECONDS: '1' });
});
afterAll(async () => {
  expect(await identity.brokenInvariants()).toEqual([]);
  await identity.close();
});

const refresh = (tokens: Pick<Tokens, 'refreshToken'>) =>
  identity.guest().refreshSession({ refreshToken: tokens.refreshToken });
const refusal = (tokens: Pick<Tokens, 'refreshToken'>) => problemOf(refresh(tokens));
const isLive = async (tokens: Tokens) =>
  (await identity.internal().checkSession({ sessionId: tokens.sessionId })).isLive;
const revokedReason = async (tokens: Tokens) =>
  (await identity.rows(`select revoke_reason from sessions where id = $1`, [tokens.sessionId]))[0]?.['revoke_reason'];
/** Ages what one session did last; the rest of the shop stays in the present. */
const age = (tokens: Tokens, interval: string) =>
  identity.rows(
    `update sessions set rotated_at = rotated_at - $2::interval, last_seen_at = last_seen_at - $2::interval, created_at = created_at - $2::interval where id = $1`,
    [tokens.sessionId, interval],
  );

async function signInOften(phone: string, times: number): Promise<Tokens[]> {
  const all: Tokens[] = [];
  for (let count = 0; count < times; count += 1) {
    await identity.rows(`update otp_sends set at = at - interval '25 hours'`);
    all.push(await identity.signIn(phone));
  }
  return all;
}

describe('AU-6: refreshing', () => {
  test('a refresh gives a new token each time, in the same session, and none is stored readable', async () => {
    const first = await identity.signIn(newPhone());
    const second = await refresh(first);
    const third = await refresh(second);
    expect(new Set([first, second, third].map((tokens) => tokens.refreshToken)).size).toBe(3);
    expect(new Set([first, second, third].map((tokens) => tokens.sessionId)).size).toBe(1);
    for (const { refreshToken } of [first, second, third])
      expect(Buffer.from(refreshToken, 'base64url').length).toBe(32);
    const stored = await identity.rows(
      `select to_jsonb(s)::text || coalesce((select string_agg(token_hash, ' ') from spent_tokens t where t.session_id = s.id), '') as text from sessions s where id = $1`,
      [first.sessionId],
    );
    for (const { refreshToken } of [first, second, third]) expect(stored[0]?.['text']).not.toContain(refreshToken);
    expect(identity.logLines.join('')).not.toContain(third.refreshToken);
  });

  test('A30: two tabs refresh together; both go on, with whichever answer each of them keeps', async () => {
    const first = await identity.signIn(newPhone());
    const [left, right, other] = await Promise.all([refresh(first), refresh(first), refresh(first)]);
    await age(first, '10 minutes');
    const leftNext = await refresh(left);
    expect((await refresh(right)).sessionId).toBe(first.sessionId);
    expect((await refresh(other)).sessionId).toBe(first.sessionId);
    await age(first, '10 minutes');
    await refresh(leftNext);
    expect(await isLive(first)).toBe(true);
  });

  test('A30: the answer got lost, and the old token is taken once more, minutes later too', async () => {
    const first = await identity.signIn(newPhone());
    await refresh(first);
    const again = await refresh(first);
    await age(first, '5 minutes');
    const [tab, otherTab] = await Promise.all([refresh(first), refresh(first)]);
    await age(first, '5 minutes');
    await refresh(otherTab);
    expect((await refresh(tab)).sessionId).toBe(first.sessionId);
    expect(again.sessionId).toBe(first.sessionId);
    expect(await isLive(first)).toBe(true);
  });

  test('A29 I22: a stolen token and its child were used; when the owner comes with the old one, both are out and an alarm is raised', async () => {
    const owner = await identity.signIn(newPhone());
    const thief = await refresh(await refresh(owner));
    expect(await refusal(owner)).toMatchObject({ status: 401, code: 'identity.refresh-refused' });
    expect(await refusal(thief)).toMatchObject({ status: 401, code: 'identity.refresh-refused' });
    expect(await isLive(owner)).toBe(false);
    expect(await revokedReason(owner)).toBe('refresh-token-reused');
    expect(
      await identity.rows(`select data from outbox where type = 'session.revoked' and data->>'userId' = $1`, [
        owner.user.id,
      ]),
    ).toEqual([{ data: { userId: owner.user.id, sessionIds: [owner.sessionId], reason: 'refresh-token-reused' } }]);
    expect(
      identity.logLines.some(
        (line) => line.includes('"alarm":"refresh-token-reused"') && line.includes(owner.sessionId),
      ),
    ).toBe(true);
  });

  test('A29 I22: a child that was replaced because nobody had used it ends the family when it is used later', async () => {
    const owner = await identity.signIn(newPhone());
    const lost = await refresh(owner);
    await age(owner, '11 seconds');
    const replaced = await refresh(owner);
    expect(replaced.refreshToken).not.toBe(lost.refreshToken);
    expect(await refusal(lost)).toMatchObject({ status: 401 });
    expect(await refusal(replaced)).toMatchObject({ status: 401 });
    expect(await isLive(owner)).toBe(false);
  });

  test('I22: of many uses of one spent token at the same moment none succeeds, and the family ends once', async () => {
    const owner = await identity.signIn(newPhone());
    await refresh(await refresh(owner));
    const answers = await Promise.all(Array.from({ length: 20 }, () => refusal(owner)));
    expect(new Set(answers.map((answer) => answer.code))).toEqual(new Set(['identity.refresh-refused']));
    expect(
      await identity.rows(`select id from outbox where type = 'session.revoked' and data->>'userId' = $1`, [
        owner.user.id,
      ]),
    ).toHaveLength(1);
  });

  test('a theft in one session leaves the other sessions of the customer alone', async () => {
    const [stolen, other] = await signInOften(newPhone(), 2);
    if (!stolen || !other) throw new Error('Two sessions were begun');
    await refresh(await refresh(stolen));
    await refusal(stolen);
    await refresh(other);
  });

  test('a session ends 14 days after its last use and 30 days after its start, and says so', async () => {
    const idle = await identity.signIn(newPhone());
    const inDays = (tokens: Tokens) => (Date.parse(tokens.refreshExpiresAt) - Date.now()) / 86_400_000;
    expect(inDays(idle)).toBeCloseTo(14, 1);
    await age(idle, '14 days 1 minute');
    expect(await isLive(idle)).toBe(false);
    expect(await refusal(idle)).toMatchObject({ status: 401 });

    let used = await identity.signIn(newPhone());
    for (let day = 0; day < 29; day += 1) {
      await age(used, '1 day');
      used = await refresh(used);
    }
    expect(inDays(used)).toBeCloseTo(1, 1);
    await age(used, '1 day 1 minute');
    expect(await refusal(used)).toMatchObject({ status: 401 });
  });

  test('made-up tokens are refused alike', async () => {
    for (const refreshToken of ['x'.repeat(43), "' or 1=1 --            "])
      expect(await refusal({ refreshToken })).toMatchObject({ status: 401, code: 'identity.refresh-refused' });
    for (const refreshToken of ['short', '\u0000'.repeat(30)])
      expect(await refusal({ refreshToken })).toMatchObject({ status: 422 });
  });
});

describe('AU-7: ending sessions', () => {
  test('A26: after logout the session is dead for calls that look, its refresh token is refused, and the others go on', async () => {
    const [here, there] = await signInOften(newPhone(), 2);
    if (!here || !there) throw new Error('Two sessions were begun');
    await identity.signedIn(here).logout({});
    await identity.signedIn(here).logout({});
    expect([await isLive(here), await isLive(there)]).toEqual([false, true]);
    expect(await refusal(here)).toMatchObject({ status: 401 });
  });

  test('logout everywhere ends all sessions, once', async () => {
    const all = await signInOften(newPhone(), 3);
    const [first] = all;
    if (!first) throw new Error('Sessions were begun');
    await identity.signedIn(first).logoutAll({});
    expect(await Promise.all(all.map(isLive))).toEqual([false, false, false]);
    const events = await identity.rows(
      `select data from outbox where type = 'session.revoked' and data->>'userId' = $1`,
      [first.user.id],
    );
    expect(events).toHaveLength(1);
  });

  test('the list of sessions names device and network, marks this one, and a session is ended by its owner only', async () => {
    const [old, here] = await signInOften(newPhone(), 2);
    if (!old || !here) throw new Error('Two sessions were begun');
    await identity.rows(
      `update sessions set user_agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', ip_prefix = '203.0.113.0/24' where id = $1`,
      [old.sessionId],
    );
    const { items } = await identity.signedIn(here).listSessions({});
    expect(items.map(({ id, isCurrent }) => ({ id, isCurrent }))).toEqual([
      { id: here.sessionId, isCurrent: true },
      { id: old.sessionId, isCurrent: false },
    ]);
    expect(items[1]).toMatchObject({ device: 'Firefox · Linux', ipPrefix: '203.0.113.0/24' });
    const stranger = await identity.signIn(newPhone());
    expect(await problemOf(identity.signedIn(stranger).deleteSession({ sessionId: old.sessionId }))).toMatchObject({
      status: 404,
      code: 'identity.session-not-found',
    });
    expect(await isLive(old)).toBe(true);
    await identity.signedIn(here).deleteSession({ sessionId: old.sessionId });
    expect([await isLive(old), await isLive(here)]).toEqual([false, true]);
    expect((await identity.signedIn(here).listSessions({})).items).toHaveLength(1);
  });

  test('at most ten sessions: the eleventh sign-in ends the oldest', async () => {
    const all = await signInOften(newPhone(), 11);
    expect(await Promise.all(all.map(isLive))).toEqual([false, ...Array.from({ length: 10 }, () => true)]);
  });
});

describe('AU-8: who was ended, and why', () => {
  test('I22 A27: a ban ends every session, tells it, writes who did it, and lasts until it is lifted', async () => {
    const phone = newPhone();
    const tokens = await identity.signIn(phone);
    const since = new Date().toISOString();
    const admin = userActor(undefined, ['admin']);
    const change = { userId: tokens.user.id, status: 'banned' as const, reason: 'bought with stolen cards' };
    await identity.as(identityContract, admin).setUserStatus(change);
    expect(await isLive(tokens)).toBe(false);
    expect(await refusal(tokens)).toMatchObject({ status: 401 });
    expect((await identity.internal().listRevocations({ since })).sessionIds).toContain(tokens.sessionId);
    expect(
      await identity.rows(`select action, actor, before, after, reason from identity_audit where user_id = $1`, [
        tokens.user.id,
      ]),
    ).toEqual([
      {
        action: 'set-status',
        actor: `user:${admin.kind === 'user' ? admin.userId : ''}`,
        before: { status: 'active' },
        after: { status: 'banned' },
        reason: change.reason,
      },
    ]);
    await identity.internal().setUserStatus({ ...change, status: 'active' });
    expect(await isLive(tokens)).toBe(false);
    await identity.rows(`update otp_sends set at = at - interval '25 hours'`);
    expect((await identity.signIn(phone)).user.id).toBe(tokens.user.id);
  });

  test('A28: new roles end the sessions that carry the old ones; the next sign-in carries the new', async () => {
    const phone = newPhone();
    const before = await identity.signIn(phone);
    await identity
      .internal()
      .setUserRoles({ userId: before.user.id, roles: ['customer', 'support'], reason: 'joined the team' });
    expect(await isLive(before)).toBe(false);
    await identity.rows(`update otp_sends set at = at - interval '25 hours'`);
    const after = await identity.signIn(phone);
    expect(after.user.roles).toEqual(['customer', 'support']);
    expect(
      await identity.rows(`select data from outbox where type = 'user.role-changed' and data->>'userId' = $1`, [
        before.user.id,
      ]),
    ).toEqual([{ data: { userId: before.user.id, roles: ['customer', 'support'] } }]);
    expect(
      await problemOf(
        identity.internal().setUserRoles({ userId: crypto.randomUUID(), roles: ['customer'], reason: 'mistake' }),
      ),
    ).toMatchObject({ status: 422 });
    expect(
      await problemOf(
        identity.internal().setUserStatus({ userId: before.sessionId, status: 'banned', reason: 'mistake' }),
      ),
    ).toMatchObject({ code: 'identity.user-not-found' });
  });

  test('A98: pages of customers that one member of staff asks for at the same moment do not pass the limit together', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ids = { staffId: newId(), sessionId: newId() };
      const claims = await Promise.allSettled(
        Array.from({ length: 25 }, () =>
          identity.internal().claimStaffView({ ...ids, operation: 'listAllOrders', about: {}, customerCount: 100 }),
        ),
      );
      expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
      for (const claim of claims)
        if (claim.status === 'rejected')
          expect(claim.reason).toMatchObject({ code: 'staff-views-limited', status: 429 });
    }
  });

  test('AU-10: the last admin who can sign in keeps the role and the account, also when two give up at the same moment', async () => {
    const admins = [await identity.signIn(newPhone()), await identity.signIn(newPhone())];
    const setRoles = (tokens: Tokens | undefined, roles: Role[]) =>
      identity.internal().setUserRoles({ userId: tokens?.user.id ?? '', roles, reason: 'for the test' });
    for (let round = 0; round < 10; round += 1) {
      for (const admin of admins) await setRoles(admin, ['customer', 'admin']);
      const answers = await Promise.allSettled(admins.map((admin) => setRoles(admin, ['customer'])));
      expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      for (const answer of answers)
        if (answer.status === 'rejected')
          expect(answer.reason).toMatchObject({ code: 'identity.last-admin', status: 409 });
    }
    const [last] = await identity.rows(`select id from users where 'admin' = any (roles) and status = 'active'`);
    const userId = String(last?.['id']);
    expect(
      await problemOf(identity.internal().setUserStatus({ userId, status: 'banned', reason: 'for the test' })),
    ).toMatchObject({ code: 'identity.last-admin' });
    const tokens = admins.find((admin) => admin.user.id === userId);
    await setRoles(tokens, ['admin', 'support']); // Who stays an admin changes as before.
    await expect(identity.rows(`update users set status = 'banned' where id = $1`, [userId])).rejects.toThrow(
      'last admin',
    );
    // An admin who is banned does not count as one.
    const other = admins.find((admin) => admin.user.id !== userId);
    await setRoles(other, ['admin']);
    await identity.internal().setUserStatus({ userId, status: 'banned', reason: 'for the test' });
    expect(await problemOf(setRoles(other, ['customer']))).toMatchObject({ code: 'identity.last-admin' });
  });

  test('A36: customers, staff below admin and guests change nobody', async () => {
    const victim = await identity.signIn(newPhone());
    const change = { userId: victim.user.id, roles: ['admin' as const], reason: 'because I can' };
    for (const role of ['customer', 'seller', 'support', 'developer'] as const)
      expect(
        await problemOf(identity.as(identityContract, userActor(victim.user.id, [role])).setUserRoles(change)),
      ).toMatchObject({ status: 403 });
    expect(await problemOf(identity.guest().setUserRoles(change))).toMatchObject({ status: 401 });
    expect(await problemOf(identity.signedIn(victim).ensureUser({ phone: newPhone() }))).toMatchObject({ status: 403 });
    expect(await problemOf(identity.signedIn(victim).getUser({ userId: victim.user.id }))).toMatchObject({
      status: 403,
    });
  });

  test('A27 I22: a ban and a refresh at the same moment: afterwards no session is alive', async () => {
    for (let round = 0; round < 10; round += 1) {
      const tokens = await identity.signIn(newPhone());
      await Promise.allSettled([
        refresh(tokens),
        identity.internal().setUserStatus({ userId: tokens.user.id, status: 'banned', reason: 'fraud' }),
        refresh(tokens),
      ]);
      expect(await isLive(tokens)).toBe(false);
      expect(await refusal(tokens)).toMatchObject({ status: 401 });
      expect(
        await identity.rows(`select id from sessions where user_id = $1 and revoked_at is null`, [tokens.user.id]),
      ).toEqual([]);
    }
  });

  test('A27 I22: a ban in the middle of a sign-in: afterwards no session is alive', async () => {
    const phone = newPhone();
    const { id: userId } = await identity.internal().ensureUser({ phone });
    const { challengeId } = await identity.guest().requestOtp({ phone });
    const ban = new pg.Client({ connectionString: identity.databaseUrls['identity']?.appUrl });
    await ban.connect();
    try {
      await ban.query('begin');
      await ban.query(`update users set status = 'banned' where id = $1`, [userId]);
      await ban.query(`update sessions set revoked_at = now() where user_id = $1`, [userId]);
      let isAnswered = false;
      const signIn = problemOf(identity.guest().verifyOtp({ challengeId, code: identity.codeOf(challengeId) })).finally(
        () => (isAnswered = true),
      );
      signIn.catch(() => undefined);
      await waitFor('the sign-in to meet the ban', async () => {
        const waiting = await identity.rows(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return isAnswered || waiting.length > 0;
      });
      await ban.query('commit');
      expect(await signIn).toMatchObject({ code: 'forbidden' });
    } finally {
      await ban.end();
    }
    await identity.internal().setUserStatus({ userId, status: 'banned', reason: 'fraud' });
    expect(await identity.rows(`select id from sessions where user_id = $1`, [userId])).toEqual([]);
  });

  test('A27 I22: a sign-in in the middle of which a ban comes: its session ends with the others', async () => {
    const phone = newPhone();
    const { id: userId } = await identity.internal().ensureUser({ phone });
    const { challengeId } = await identity.guest().requestOtp({ phone });
    // Holds the sign-in where its session is about to be written.
    await identity.ownerSql(
      'identity',
      `create function hold_session() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return new; end $$`,
    );
    await identity.ownerSql(
      'identity',
      `create trigger hold_session before insert on sessions for each row execute function hold_session()`,
    );
    const holder = new pg.Client({ connectionString: identity.databaseUrls['identity']?.appUrl });
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock(1)');
      const waitingCount = async () =>
        (
          await identity.rows(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).length;
      const signIn = identity.guest().verifyOtp({ challengeId, code: identity.codeOf(challengeId) });
      await waitFor('the sign-in to be held', async () => (await waitingCount()) === 1);
      let isBanned = false;
      const ban = identity
        .internal()
        .setUserStatus({ userId, status: 'banned', reason: 'fraud' })
        .finally(() => (isBanned = true));
      await waitFor('the ban to meet the sign-in', async () => isBanned || (await waitingCount()) === 2);
      await holder.query('select pg_advisory_unlock(1)');
      const tokens = await signIn;
      await ban;
      expect(await identity.rows(`select id, revoke_reason from sessions where user_id = $1`, [userId])).toEqual([
        { id: tokens.sessionId, revoke_reason: 'banned' },
      ]);
    } finally {
      await holder.end();
      await identity.ownerSql('identity', `drop trigger hold_session on sessions`);
    }
  });

  test('I22: a session of an account that is banned is dead, even if nobody ended it', async () => {
    const tokens = await identity.signIn(newPhone());
    const setStatus = (status: string) =>
      identity.rows(`update users set status = $2 where id = $1`, [tokens.user.id, status]);
    await setStatus('banned');
    expect(await isLive(tokens)).toBe(false);
    expect(await refusal(tokens)).toMatchObject({ status: 401 });
    await setStatus('active');
    expect(await isLive(tokens)).toBe(true);
  });

  test('the log of changes can be added to, but not edited', async () => {
    for (const statement of [
      'update identity_audit set reason = null',
      'delete from identity_audit',
      'truncate identity_audit',
    ])
      await expect(identity.rows(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('AU-8: the list of ended sessions starts at a moment of the database, and finds one whose commit came late', async () => {
    const tokens = await identity.signIn(newPhone());
    const { asOf } = await identity.internal().listRevocations({ since: new Date().toISOString() });
    await identity.signedIn(tokens).logout({});
    // A transaction that began 20 s before `asOf` and commits now carries its beginning.
    await identity.rows(`update sessions set revoked_at = $2::timestamptz - interval '20 seconds' where id = $1`, [
      tokens.sessionId,
      asOf,
    ]);
    const next = await identity.internal().listRevocations({ since: asOf });
    expect(next.sessionIds).toContain(tokens.sessionId);
    expect(Date.parse(next.asOf)).toBeGreaterThanOrEqual(Date.parse(asOf));
    await identity.rows(`update sessions set revoked_at = revoked_at - interval '1 hour' where id = $1`, [
      tokens.sessionId,
    ]);
    expect((await identity.internal().listRevocations({ since: asOf })).sessionIds).not.toContain(tokens.sessionId);
  });
});

describe('accounts for other services', () => {
  test('the account of a phone is made once, also by many at the same moment', async () => {
    const phone = newPhone();
    const made = await Promise.all(Array.from({ length: 20 }, () => identity.internal().ensureUser({ phone })));
    expect(new Set(made.map((user) => user.id)).size).toBe(1);
    const [user] = made;
    expect(await identity.internal().getUser({ userId: user?.id ?? '' })).toEqual(user);
    expect(
      await identity.rows(`select id from outbox where type = 'user.registered' and data->>'userId' = $1`, [user?.id]),
    ).toHaveLength(1);
    expect((await identity.signIn(phone)).user.id).toBe(user?.id);
    expect(await problemOf(identity.internal().ensureUser({ phone: '02122334455' }))).toMatchObject({ status: 422 });
  });
});

describe('tickets for the WebSocket', () => {
  test('A86: a ticket opens once, within 30 seconds, also when it is shown many times at once', async () => {
    const tokens = await identity.signIn(newPhone());
    const { ticket } = await identity.signedIn(tokens).createWsTicket({});
    const answers = await Promise.all(Array.from({ length: 10 }, () => identity.internal().redeemWsTicket({ ticket })));
    expect(answers.filter((answer) => answer.session)).toEqual([
      { session: { userId: tokens.user.id, sessionId: tokens.sessionId } },
    ]);
    const late = await identity.signedIn(tokens).createWsTicket({});
    await identity.passTime('31 seconds');
    expect(await identity.internal().redeemWsTicket({ ticket: late.ticket })).toEqual({ session: null });
    expect(await identity.internal().redeemWsTicket({ ticket: 'made up' })).toEqual({ session: null });
  });

  test('A86: the ticket of a session that was ended meanwhile opens nothing', async () => {
    const tokens = await identity.signIn(newPhone());
    const { ticket } = await identity.signedIn(tokens).createWsTicket({});
    await identity.signedIn(tokens).logout({});
    expect(await identity.internal().redeemWsTicket({ ticket })).toEqual({ session: null });
  });
});

test('what no limit counts any more is dropped; live sessions and young rows stay', async () => {
  const tokens = await identity.signIn(newPhone());
  await refresh(await refresh(tokens));
  const old = await identity.signIn(newPhone());
  await refresh(await refresh(old));
  await age(old, '61 days');
  await identity.rows(`update otp_sends set at = at - interval '3 days' where phone = $1`, [old.user.phone]);
  await identity.host.sweep('identity', 'drop-old-rows');
  expect(await identity.rows(`select phone from otp_sends where phone = $1`, [old.user.phone])).toEqual([]);
  expect(await identity.rows(`select phone from otp_sends where phone = $1`, [tokens.user.phone])).toHaveLength(1);
  expect(await identity.rows(`select session_id from spent_tokens where session_id = $1`, [old.sessionId])).toEqual([]);
  expect(await isLive(tokens)).toBe(true);
});

test('old sessions are dropped together with the hundreds of tokens that each of them spent', async () => {
  const { user } = await identity.signIn(newPhone());
  await identity.rows(
    `with old as (
       insert into sessions (id, user_id, token_hash, user_agent, ip_prefix, created_at, last_seen_at)
       select gen_random_uuid(), $1, 'old ' || n, '', '', now() - interval '61 days', now() - interval '61 days'
       from generate_series(1, 800) n returning id
     )
     insert into spent_tokens (token_hash, session_id) select id || ' ' || n, id from old, generate_series(1, 300) n`,
    [user.id],
  );
  await identity.host.sweep('identity', 'drop-old-rows');
  expect(await identity.rows(`select id from sessions where token_hash like 'old %' limit 1`)).toEqual([]);
});
