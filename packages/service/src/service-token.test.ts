import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { type ServiceClaims, signServiceToken, verifyServiceToken } from './service-token.ts';

const secret = new TextEncoder().encode('the secret that only our processes hold');
const claims: ServiceClaims = {
  actor: { kind: 'service', name: 'orders' },
  origin: { ip: '5.112.8.9', userAgent: 'Firefox' },
};

function forge(
  change: {
    secret?: string;
    typ?: string;
    issuer?: string;
    audience?: string;
    expiresIn?: string;
    claims?: Record<string, unknown>;
  } = {},
) {
  return new SignJWT(change.claims ?? { ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: change.typ ?? 'svc+jwt' })
    .setIssuer(change.issuer ?? 'kelid-service')
    .setAudience(change.audience ?? 'payments')
    .setExpirationTime(change.expiresIn ?? '30s')
    .sign(change.secret === undefined ? secret : new TextEncoder().encode(change.secret));
}

test('A46: what one service signs for another arrives there unchanged', async () => {
  expect(await verifyServiceToken(secret, 'payments', await signServiceToken(secret, 'payments', claims))).toEqual(
    claims,
  );
  const user: ServiceClaims = { ...claims, actor: { kind: 'user', userId: 'u', sessionId: 's', roles: ['customer'] } };
  expect(await verifyServiceToken(secret, 'payments', await signServiceToken(secret, 'payments', user))).toEqual(user);
});

test('A46: a token that is forged, for another service, of another kind or over is refused', async () => {
  await expect(verifyServiceToken(secret, 'payments', await forge())).resolves.toEqual(claims); // Else the refusals below prove nothing.
  const unsigned = new UnsecuredJWT({ ...claims })
    .setIssuer('kelid-service')
    .setAudience('payments')
    .setExpirationTime('30s')
    .encode();
  const endless = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'svc+jwt' })
    .setIssuer('kelid-service')
    .setAudience('payments')
    .sign(secret);
  for (const token of [
    await forge({ secret: 'a secret that somebody else made up' }),
    await forge({ audience: 'inventory' }),
    await forge({ issuer: 'kelid' }),
    await forge({ typ: 'at+jwt' }),
    await forge({ typ: 'JWT' }),
    await forge({ expiresIn: '-10s' }),
    await forge({ claims: { ...claims, actor: { kind: 'admin' } } }),
    await forge({ claims: { ...claims, actor: { kind: 'user', userId: 'u', sessionId: 's', roles: ['owner'] } } }),
    unsigned,
    endless,
    'not a token',
  ]) {
    await expect(verifyServiceToken(secret, 'payments', token)).rejects.toThrow();
  }
});
