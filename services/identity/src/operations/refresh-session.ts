import { and, eq, or, sql } from 'drizzle-orm';
import { refreshRefused } from '@kelid/contracts/identity';
import type { Operations } from '../context.ts';
import { sessions, spentTokens, users } from '../db/schema.ts';
import { sha256 } from '../domain/secrets.ts';
import { isAlive, newRefreshToken, revokeSessions, tokenSet } from '../sessions.ts';

/**
 * Rotates a refresh token. One that was just replaced is taken once more when its successor was never used: two tabs, or an answer
 * that got lost. Any other spent token means that somebody copied it, and ends the family for both (RFC 9700).
 */
export const refreshSession: Operations['refreshSession'] = async (ctx, { refreshToken }) => {
  const tokenHash = sha256(refreshToken);
  const next = newRefreshToken();
  const outcome = await ctx.transaction(async (tx) => {
    // The row lock makes parallel refreshes of one family take turns.
    const [session] = await tx
      .select({
        id: sessions.id,
        userId: sessions.userId,
        tokenHash: sessions.tokenHash,
        previousHash: sessions.previousHash,
        isAlive: sql<boolean>`${isAlive}`,
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
    const isRetry = session.previousHash === tokenHash;
    // With the current token, the token before it is spent for good. On a retry, the unused successor is.
    const spentHash = isRetry ? session.tokenHash : session.previousHash;
    if (spentHash !== null)
      await tx.insert(spentTokens).values({ tokenHash: spentHash, sessionId: session.id }).onConflictDoNothing();
    await tx
      .update(sessions)
      .set({ tokenHash: sha256(next), previousHash: tokenHash, rotatedAt: sql`now()`, lastSeenAt: sql`now()` })
      .where(eq(sessions.id, session.id));
    return { kind: 'rotated' as const, user, sessionId: session.id };
  });
  if (outcome.kind === 'rotated')
    return tokenSet(ctx, outcome.user, { sessionId: outcome.sessionId, refreshToken: next });
  if (outcome.kind === 'reused')
    ctx.log.error(
      { sessionId: outcome.sessionId, alarm: 'refresh-token-reused' },
      'a spent refresh token came back; its family is ended',
    );
  throw refreshRefused();
};
