import { createPublicKey } from 'node:crypto';
import {
  CompactSign,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccessTokenVerifier } from '@kelid/service/access-token';
import { startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { signServiceToken } from '@kelid/service/service-token';
import { createSecrets } from './domain/secrets.ts';
import { identityService } from './service.ts';
import { newPhone, startIdentity, type TestIdentity, type Tokens } from './test-identity.ts';

let identity: TestIdentity;
let tokens: Tokens;
let ourKey: { kid: string; privateKey: Awaited<ReturnType<typeof importJWK>>; publicJwk: JWK };

beforeAll(async () => {
  identity = await startIdentity({ IDENTITY_OTP_GLOBAL_PER_HOUR: '100000' });
  tokens = await identity.signIn(newPhone());
  const [row] = await identity.rows(`select id, public_jwk, sealed_private_jwk from signing_keys`);
  const secrets = createSecrets(identity.env['IDENTITY_SECRET'] ?? '');
  ourKey = {
    kid: String(row?.['id']),
    publicJwk: row?.['public_jwk'] as JWK,
    privateKey: await importJWK(JSON.parse(secrets.open(String(row?.['sealed_private_jwk']))) as JWK, 'EdDSA'),
  };
});
afterAll(async () => {
  expect(await identity.brokenInvariants()).toEqual([]);
  await identity.close();
});

let keyReads = 0;
const getKeys = async () => {
  keyReads += 1;
  return (await identity.internal().getJwks({})).keys as JWK[];
};
const verifier = () => createAccessTokenVerifier({ getKeys });

const seconds = () => Math.floor(Date.now() / 1000);
const goodClaims = () => ({
  iss: 'kelid',
  aud: 'kelid-api',
  sub: tokens.user.id,
  sid: tokens.sessionId,
  jti: newId(),
  roles: ['customer'],
  nbf: seconds(),
  exp: seconds() + 600,
});
/** A token of our real key, good in all but what the test changes. */
function forge(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify({ ...goodClaims(), ...claims })))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: ourKey.kid, ...header })
    .sign(ourKey.privateKey);
}
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('AU-5: the token of a sign-in names user, session and roles, for ten minutes', async () => {
  expect(await verifier()(tokens.accessToken)).toEqual({
    userId: tokens.user.id,
    sessionId: tokens.sessionId,
    roles: ['customer'],
  });
  const { payload, protectedHeader } = await jwtVerify(
    tokens.accessToken,
    createLocalJWKSet({ keys: await getKeys() }),
  );
  expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: ourKey.kid });
  expect(Object.keys(payload).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'roles', 'sid', 'sub']);
  expect((payload.exp ?? 0) - (payload.nbf ?? 0)).toBe(600);
  expect(Date.parse(tokens.expiresAt)).toBe((payload.exp ?? 0) * 1000);
  expect(await verifier()(await forge())).toMatchObject({ userId: tokens.user.id });
});

test('A19: a token without a signature is refused', async () => {
  const verify = verifier();
  for (const alg of ['none', 'None', 'NONE', '']) {
    const head = encode({ alg, typ: 'at+jwt', kid: ourKey.kid });
    for (const signature of ['', 'AAAA', tokens.accessToken.split('.')[2]])
      await expect(verify(`${head}.${encode(goodClaims())}.${signature}`)).rejects.toThrow();
  }
  const [head, body] = tokens.accessToken.split('.');
  await expect(verify(`${head}.${body}.`)).rejects.toThrow();
  await expect(verify(`${head}.${body}`)).rejects.toThrow();
  await expect(verify('')).rejects.toThrow();
});

test('A20: a token that uses our public key as an HMAC secret is refused', async () => {
  const verify = verifier();
  const pem = createPublicKey({ key: ourKey.publicJwk as never, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  });
  for (const secret of [String(pem), ourKey.publicJwk.x ?? '', JSON.stringify(ourKey.publicJwk)]) {
    const token = await new SignJWT(goodClaims())
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: ourKey.kid })
      .sign(new TextEncoder().encode(secret.padEnd(32, ' ')));
    await expect(verify(token)).rejects.toThrow();
  }
});

test('A21: unknown and odd key ids, and headers that bring a key along, are refused; nothing outside is asked, our own keys rarely', async () => {
  const verify = verifier();
  await verify(tokens.accessToken);
  const before = keyReads;
  const stranger = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const strangerJwk = await exportJWK(stranger.publicKey);
  for (const kid of [
    newId(),
    '../../etc/passwd',
    "' or 1=1 --",
    '',
    'https://evil.example/key',
    '__proto__',
    'constructor',
  ])
    await expect(verify(await forge({}, { kid }))).rejects.toThrow();
  await expect(verify(await forge({}, { kid: undefined }))).rejects.toThrow();
  for (const header of [
    { jku: 'http://127.0.0.1:1/jwks' },
    { jwk: strangerJwk },
    { x5u: 'http://127.0.0.1:1/x5u' },
    { x5c: ['MIIB'] },
  ])
    await expect(verify(await forge({}, header))).rejects.toThrow('not ours');
  const crit = encode({ alg: 'EdDSA', typ: 'at+jwt', kid: ourKey.kid, crit: ['b64'], b64: true });
  await expect(verify([crit, ...tokens.accessToken.split('.').slice(1)].join('.'))).rejects.toThrow('not ours');
  const foreign = await new SignJWT(goodClaims())
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: ourKey.kid })
    .sign(stranger.privateKey);
  await expect(verify(foreign)).rejects.toThrow();
  expect(keyReads).toBe(before);
});

test('A22: a token that is over, not yet good, of another issuer, for another reader or of another type is refused; clocks may differ by 30 s', async () => {
  const verify = verifier();
  const now = seconds();
  for (const claims of [
    { exp: now - 31 },
    { nbf: now + 40 },
    { iss: 'other' },
    { iss: undefined },
    { aud: 'kelid-admin' },
    { aud: undefined },
    { exp: undefined },
    { nbf: undefined },
    { jti: undefined },
    { sid: undefined },
    { sub: 'me' },
    { exp: 'never' },
  ])
    await expect([claims, await verify(await forge(claims)).catch(() => 'refused')]).toEqual([claims, 'refused']);
  for (const typ of ['JWT', 'svc+jwt', 'rt+jwt', undefined])
    await expect(verify(await forge({}, { typ }))).rejects.toThrow();
  await verify(await forge({ exp: now - 20, nbf: now + 20 }));
});

test('A23: a refresh token is no access token, an access token no refresh token, a token between services neither', async () => {
  await expect(verifier()(tokens.refreshToken)).rejects.toThrow();
  await expect(
    identity.guest().refreshSession({ refreshToken: tokens.accessToken.slice(0, 200) }),
  ).rejects.toMatchObject({ code: 'identity.refresh-refused' });
  const secret = new TextEncoder().encode(identity.env['SERVICE_TOKEN_SECRET']);
  const service = await signServiceToken(secret, 'identity', {
    actor: { kind: 'service', name: 'orders' },
    origin: { ip: '127.0.0.1', userAgent: '' },
  });
  await expect(verifier()(service)).rejects.toThrow();
});

test('A24: edited roles, or roles that do not exist, are refused', async () => {
  const [head, body = '', signature] = tokens.accessToken.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  await expect(verifier()([head, encode({ ...claims, roles: ['admin'] }), signature].join('.'))).rejects.toThrow();
  await expect(verifier()(await forge({ roles: ['root'] }))).rejects.toThrow();
  await expect(verifier()(await forge({ roles: 'admin' }))).rejects.toThrow();
});

test('A21: while identity is away tokens go on being checked, and unknown keys make it be asked every ten seconds only', async () => {
  let isAway = false;
  let asked = 0;
  let laterMs = 0;
  const realNow = performance.now.bind(performance);
  const verify = createAccessTokenVerifier({
    getKeys: () => {
      asked += 1;
      return isAway ? Promise.reject(new Error('identity is away')) : getKeys();
    },
  });
  performance.now = () => realNow() + laterMs;
  try {
    await verify(tokens.accessToken);
    isAway = true;
    laterMs = 301_000;
    expect(await verify(tokens.accessToken)).toMatchObject({ userId: tokens.user.id });
    for (let count = 0; count < 10; count += 1)
      await expect(verify(await forge({}, { kid: newId() }))).rejects.toThrow('not signed by a key of ours');
    expect(asked).toBe(2);
    laterMs = 312_000;
    isAway = false;
    await verify(tokens.accessToken);
    await verify(tokens.accessToken);
    expect(asked).toBe(3);
  } finally {
    performance.now = realNow;
  }
});

test('the private key is stored sealed, and the published one has no private part', async () => {
  const { keys } = await identity.internal().getJwks({});
  for (const key of keys) expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  const [row] = await identity.rows(`select sealed_private_jwk, public_jwk::text as public from signing_keys`);
  expect(row?.['public']).not.toContain('"d"');
  const other = createSecrets('another secret, as long as the first one');
  expect(() => other.open(String(row?.['sealed_private_jwk']))).toThrow();
  const cut = Buffer.from(String(row?.['sealed_private_jwk']), 'base64');
  cut[cut.length - 1] = (cut.at(-1) ?? 0) ^ 1;
  expect(() => createSecrets(identity.env['IDENTITY_SECRET'] ?? '').open(cut.toString('base64'))).toThrow();
});

test('PL-14: without its secret, or with a short one, identity does not start', async () => {
  const start = (secret: Record<string, string>) => {
    const { IDENTITY_SECRET: _left, ...rest } = identity.env;
    return startHost({ services: [identityService], env: { ...rest, ...secret } });
  };
  await expect(start({})).rejects.toThrow(/IDENTITY_SECRET is missing/);
  await expect(start({ IDENTITY_SECRET: 'short' })).rejects.toThrow(
    /IDENTITY_SECRET is not right: needs 32 characters/,
  );
});

test('processes that miss a signing key at the same moment make one', async () => {
  const rotateTogether = () =>
    Promise.all(Array.from({ length: 10 }, () => identity.host.sweep('identity', 'rotate-signing-keys')));
  await rotateTogether(); // From here on ten connections are open, so that the next ones really meet.
  await identity.rows('delete from signing_keys');
  const made = await rotateTogether();
  expect(made.reduce((sum, count) => sum + count, 0)).toBe(1);
  expect(await identity.rows('select id from signing_keys')).toHaveLength(1);
});

// The signer looks for its key once a minute, so each of these starts a process of its own. They move the shop's clock for good.
async function startAgain() {
  const host = await startHost({
    services: [identityService],
    env: identity.env,
    logDestination: { write: () => undefined },
  });
  return {
    host,
    async refresh(refreshToken: string): Promise<Tokens> {
      const { output } = await host.call(
        'identity',
        'refreshSession',
        { refreshToken },
        { ...host.contextOf('test'), actor: { kind: 'guest' } },
      );
      return output as Tokens;
    },
  };
}
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
const signingKeys = () =>
  identity.rows(
    `select id, signs_from <= now() as signs, retires_at > now() as published from signing_keys order by created_at`,
  );
const moveKeys = (interval: string) =>
  identity.rows(
    `update signing_keys set created_at = created_at - $1::interval, signs_from = signs_from - $1::interval, retires_at = retires_at - $1::interval`,
    [interval],
  );

test('A31: a signing key is replaced after 90 days, known a day before it signs and an hour after its last token; nobody is refused meanwhile', async () => {
  const verify = verifier();
  let { refreshToken } = tokens;
  const check = async () => {
    const { host, refresh } = await startAgain();
    try {
      const answer = await refresh(refreshToken);
      refreshToken = answer.refreshToken;
      // One process has known the keys for a while, the other reads them now.
      await verify(answer.accessToken);
      await verifier()(answer.accessToken);
      return answer.accessToken;
    } finally {
      await host.close();
    }
  };
  const [first] = await signingKeys();
  await moveKeys('88 days');
  expect(await identity.host.sweep('identity', 'rotate-signing-keys')).toBe(0);
  await moveKeys('25 hours');
  expect(await identity.host.sweep('identity', 'rotate-signing-keys')).toBe(1);
  expect(await identity.host.sweep('identity', 'rotate-signing-keys')).toBe(0);
  expect(await signingKeys()).toMatchObject([
    { id: first?.['id'], signs: true, published: true },
    { signs: false, published: true },
  ]);
  await verifier()(await check());
  expect(kidOf(await check())).toBe(first?.['id']);
  const lastOfOldKey = await check();
  const knowsBoth = verifier();
  await knowsBoth(lastOfOldKey);

  await moveKeys('24 hours 1 minute');
  const { host, refresh } = await startAgain();
  const answers: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const answer = await refresh(refreshToken);
    refreshToken = answer.refreshToken;
    answers.push(answer.accessToken);
  }
  await host.close();
  const second = (await signingKeys())[1]?.['id'];
  for (const token of answers) {
    expect(kidOf(token)).toBe(second);
    await knowsBoth(token);
  }
  await verifier()(lastOfOldKey);

  await moveKeys('3 days');
  expect((await identity.internal().getJwks({})).keys.map((key) => key.kid)).toEqual([second]);
  await expect(verifier()(lastOfOldKey)).rejects.toThrow('not signed by a key of ours');
});

test('A31: after a long pause of all processes there is no hour without a key that signs', async () => {
  await identity.rows('delete from signing_keys');
  await (await startAgain()).host.close();
  await moveKeys('91 days 23 hours');
  await (await startAgain()).host.close();
  await moveKeys('2 hours');
  const late = await startAgain();
  try {
    const answer = await late.refresh((await identity.signIn(newPhone())).refreshToken);
    await verifier()(answer.accessToken);
  } finally {
    await late.host.close();
  }
});
