import { and, eq, or, type SQL, sql } from 'drizzle-orm';
import { refreshRefused } from '@kelid/contracts/identity';
import type { Operations } from '../context.ts';
import { sessions, spentTokens, users } from '../db/schema.ts';
import { sha256 } from '../domain/secrets.ts';
import { isAlive, revokeSessions, tokenSet } from '../sessions.ts';

/**
 * Rotates a refresh token. One that was replaced is taken once more while its successor was never used: within ten seconds the answer
 * is the same successor (two tabs at once; both go on), later another one (the answer got lost; the lost one is spent). Any other
 * spent token means that somebody copied it, and ends the family for both (RFC 9700).
 */
export const refreshSession: Operations['refreshSession'] = async (ctx, { refreshToken }) => {
  const tokenHash = sha256(refreshToken);
  const outcome = await ctx.transaction(async (tx) => {
    // The row lock makes parallel refreshes of one family take turns.
    const [session] = await tx
      .select({
        id: sessions.id,
        userId: sessions.userId,
        tokenHash: sessions.tokenHash,
        previousHash: sessions.previousHash,
        isAlive: sql<boolean>`${isAlive}`,
        createdAt: sessions.createdAt,
        rotatedAt: microseconds(sql`${sessions.rotatedAt}`),
        now: microseconds(sql`now()`),
        wasJustRotated: sql<boolean>`${sessions.rotatedAt} > now() - interval '10 seconds'`,
      })
      .from(sessions)
      .where(or(eq(sessions.tokenHash, tokenHash), eq(sessions.previousHash, tokenHash)))
      .for('no key update');
    if (!session) {
      const [spent] = await tx
        .select({ sessionId: spentTokens.sessionId, userId: sessions.userId })
        .from(spentTokens)
        .innerJoin(sessions, eq(sessions.id, spentTokens.sessionId))
        .where(eq(spentTokens.tokenHash, tokenHash));
      if (spent) await revokeSessions(tx, spent.userId, [spent.sessionId], 'refresh-token-reused');
      return { kind: spent ? ('reused' as const) : ('unknown' as const), sessionId: spent?.sessionId };
    }
    if (!session.isAlive) return { kind: 'unknown' as const, sessionId: session.id };
    const [user] = await tx
      .select()
      .from(users)
      .where(and(eq(users.id, session.userId), eq(users.status, 'active')));
    if (!user) return { kind: 'unknown' as const, sessionId: session.id };
    const rotated = { kind: 'rotated' as const, user, sessionId: session.id, beganAt: session.createdAt };
    const isRetry = session.previousHash === tokenHash;
    if (isRetry && session.wasJustRotated)
      return { ...rotated, refreshToken: ctx.secrets.successorOf(refreshToken, session.rotatedAt) };
    const next = ctx.secrets.successorOf(refreshToken, session.now);
    // With the current token, the token before it is spent for good. On a retry, the unused successor is.
    const spentHash = isRetry ? session.tokenHash : session.previousHash;
    if (spentHash !== null)
      await tx.insert(spentTokens).values({ tokenHash: spentHash, sessionId: session.id }).onConflictDoNothing();
    await tx
      .update(sessions)
      .set({ tokenHash: sha256(next), previousHash: tokenHash, rotatedAt: sql`now()`, lastSeenAt: sql`now()` })
      .where(eq(sessions.id, session.id));
    return { ...rotated, refreshToken: next };
  });
  if (outcome.kind === 'rotated') return tokenSet(ctx, outcome.user, outcome);
  if (outcome.kind === 'reused')
    ctx.log.error(
      { sessionId: outcome.sessionId, alarm: 'refresh-token-reused' },
      'a spent refresh token came back; its family is ended',
    );
  throw refreshRefused();
};

/** A moment with all its digits, as text that no client setting changes. */
function microseconds(moment: SQL): SQL<string> {
  return sql<string>`(extract(epoch from ${moment}) * 1000000)::bigint::text`;
}
