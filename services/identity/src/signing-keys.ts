import { and, gt, lte, sql } from 'drizzle-orm';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { Role } from '@kelid/contracts/contract';
import type { BaseContext } from '@kelid/service/context';
import { accessTokenAudience, accessTokenIssuer } from '@kelid/service/access-token';
import { newId } from '@kelid/service/ids';
import { signingKeys } from './db/schema.ts';
import type { Secrets } from './domain/secrets.ts';

const accessTokenSeconds = 600;
const PrivateJwk = z.looseObject({ kty: z.string() });
type PrivateKey = Awaited<ReturnType<typeof importJWK>>;

export interface Signer {
  sign(user: { userId: string; sessionId: string; roles: Role[] }): Promise<{ accessToken: string; expiresAt: string }>;
}

/** Makes a key when none is young enough. A new key is published a day before it signs, and stays published after its last token. */
export async function ensureSigningKey(ctx: Pick<BaseContext, 'transaction'>, secrets: Secrets): Promise<number> {
  return ctx.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(7307)`); // Two processes that start together make one key.
    const { rows } = await tx.execute<{ lasting: number; young: number }>(
      sql`select count(*) filter (where retires_at > now() + interval '26 hours')::int as lasting, count(*) filter (where created_at > now() - interval '89 days')::int as young from signing_keys where retires_at > now()`,
    );
    if ((rows[0]?.young ?? 0) > 0) return 0;
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    // Without a key that lasts until the new one is known everywhere (the first start, or a long pause), it signs at once.
    const isNeededNow = (rows[0]?.lasting ?? 0) === 0;
    await tx.insert(signingKeys).values({
      id: newId(),
      publicJwk: await exportJWK(publicKey),
      sealedPrivateJwk: secrets.seal(JSON.stringify(await exportJWK(privateKey))),
      signsFrom: isNeededNow ? sql`now()` : sql`now() + interval '24 hours'`,
      retiresAt: sql`now() + interval '92 days'`,
    });
    return 1;
  });
}

export function createSigner(db: BaseContext['db'], secrets: Secrets): Signer {
  let current: { kid: string; key: PrivateKey; readAt: number } | undefined;

  async function signingKey() {
    if (current && performance.now() - current.readAt < 60_000) return current;
    const [row] = await db
      .select()
      .from(signingKeys)
      .where(and(lte(signingKeys.signsFrom, sql`now()`), gt(signingKeys.retiresAt, sql`now()`)))
      .orderBy(sql`${signingKeys.signsFrom} desc`)
      .limit(1);
    if (!row) throw new Error('There is no signing key');
    if (current?.kid === row.id) {
      current.readAt = performance.now();
      return current;
    }
    const key = await importJWK(PrivateJwk.parse(JSON.parse(secrets.open(row.sealedPrivateJwk))), 'EdDSA');
    current = { kid: row.id, key, readAt: performance.now() };
    return current;
  }

  return {
    async sign({ userId, sessionId, roles }) {
      const { kid, key } = await signingKey();
      const now = Math.floor(Date.now() / 1000);
      const accessToken = await new SignJWT({ sid: sessionId, roles })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
        .setIssuer(accessTokenIssuer)
        .setAudience(accessTokenAudience)
        .setSubject(userId)
        .setJti(newId())
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + accessTokenSeconds)
        .sign(key);
      return { accessToken, expiresAt: new Date((now + accessTokenSeconds) * 1000).toISOString() };
    },
  };
}

export function publicJwk(row: { id: string; publicJwk: unknown }): JWK & { kid: string; kty: string } {
  const jwk = PrivateJwk.parse(row.publicJwk);
  return { ...jwk, kid: row.id, alg: 'EdDSA', use: 'sig' };
}
