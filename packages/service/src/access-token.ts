import { createLocalJWKSet, decodeProtectedHeader, type JWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { Id } from '@kelid/contracts/common';
import { Role } from '@kelid/contracts/contract';

export const accessTokenIssuer = 'kelid';
export const accessTokenAudience = 'kelid-api';

const Claims = z.object({ sub: Id, sid: Id, roles: z.array(Role) });
export interface AccessTokenUser {
  userId: string;
  sessionId: string;
  roles: Role[];
}

const refusedHeaders = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];

/**
 * Checks access tokens against identity's published keys: EdDSA only, our type, issuer and audience, 30 s of leeway, and a key id of
 * our own set. A header that names a key or its place is refused, and nothing outside is ever asked for it (A19 to A24).
 */
export function createAccessTokenVerifier(options: {
  getKeys: () => Promise<JWK[]>;
}): (token: string) => Promise<AccessTokenUser> {
  let keys: { set: ReturnType<typeof createLocalJWKSet>; ids: Set<string>; readAt: number } | undefined;
  let askedAt = 0;

  async function readKeys() {
    askedAt = performance.now();
    const jwks = await options.getKeys();
    keys = {
      set: createLocalJWKSet({ keys: jwks }),
      ids: new Set(jwks.flatMap((jwk) => jwk.kid ?? [])),
      readAt: performance.now(),
    };
    return keys;
  }

  async function keysFor(kid: string) {
    if (keys === undefined) return readKeys();
    const known = keys;
    const now = performance.now();
    // An unknown id may be a key of this minute; it makes us look again at most every ten seconds.
    const isDue = now - known.readAt > 300_000 || !known.ids.has(kid);
    if (!isDue || now - askedAt <= 10_000) return known;
    // Nobody is signed out because identity is away: the keys known so far go on.
    return readKeys().catch(() => known);
  }

  return async (token) => {
    const header = decodeProtectedHeader(token);
    if (header.alg !== 'EdDSA' || typeof header.kid !== 'string' || refusedHeaders.some((name) => name in header))
      throw new Error('This token is not ours');
    const known = await keysFor(header.kid);
    if (!known.ids.has(header.kid)) throw new Error('This token is not signed by a key of ours');
    const { payload } = await jwtVerify(token, known.set, {
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
      issuer: accessTokenIssuer,
      audience: accessTokenAudience,
      clockTolerance: 30,
      requiredClaims: ['exp', 'nbf', 'sub', 'sid', 'jti'],
    });
    const claims = Claims.parse(payload);
    return { userId: claims.sub, sessionId: claims.sid, roles: claims.roles };
  };
}
