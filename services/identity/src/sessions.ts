import { randomBytes } from 'node:crypto';
import { and, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { sessionRevoked } from '@kelid/contracts/events';
import type { TokenSet } from '@kelid/contracts/identity';
import type { Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import type { Context } from './context.ts';
import type { users } from './db/schema.ts';
import { sessions } from './db/schema.ts';
import { ipPrefix } from '@kelid/service/ip-network';
import { sha256 } from './domain/secrets.ts';

export type User = Pick<typeof users.$inferSelect, 'id' | 'phone' | 'roles'>;

const sessionsMax = 10;
const dayMs = 86_400_000;
const absoluteDays = 30;
const idleDays = 14;
/** A session ends 30 days after it began and 14 days after it was last used. */
export const isAlive = sql`${sessions.revokedAt} is null and ${sessions.createdAt} > now() - make_interval(days => ${absoluteDays}) and ${sessions.lastSeenAt} > now() - make_interval(days => ${idleDays})`;

function newRefreshToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Begins a session inside the transaction that earned it. The oldest beyond ten ends. */
export async function beginSession(
  ctx: Context,
  tx: Tx,
  user: User,
  deviceHash: string | null,
): Promise<{ sessionId: string; refreshToken: string }> {
  const sessionId = newId();
  const refreshToken = newRefreshToken();
  await tx.insert(sessions).values({
    id: sessionId,
    userId: user.id,
    tokenHash: sha256(refreshToken),
    deviceHash,
    userAgent: ctx.origin.userAgent.slice(0, 200),
    ipPrefix: ipPrefix(ctx.origin.ip),
  });
  const live = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, user.id), isAlive))
    .orderBy(desc(sessions.createdAt), desc(sessions.id))
    .offset(sessionsMax);
  if (live.length > 0)
    await revokeSessions(
      tx,
      user.id,
      live.map((row) => row.id),
      'too-many-sessions',
    );
  return { sessionId, refreshToken };
}

/** Ends sessions, with the event that tells open sockets. Ended ones stay as they ended. */
export async function revokeSessions(
  tx: Tx,
  userId: string,
  sessionIds: 'all' | string[],
  reason: string,
): Promise<string[]> {
  const revoked = await tx
    .update(sessions)
    .set({ revokedAt: sql`now()`, revokeReason: reason })
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.revokedAt),
        sessionIds === 'all' ? undefined : inArray(sessions.id, sessionIds),
      ),
    )
    .returning({ id: sessions.id });
  const ids = revoked.map((row) => row.id);
  if (ids.length > 0) await publish(tx, sessionRevoked({ userId, sessionIds: ids, reason }));
  return ids;
}

export async function tokenSet(
  ctx: Context,
  user: User,
  session: { sessionId: string; refreshToken: string; beganAt?: string },
): Promise<z.input<typeof TokenSet>> {
  const { accessToken, expiresAt } = await ctx.signer.sign({
    userId: user.id,
    sessionId: session.sessionId,
    roles: user.roles,
  });
  const now = ctx.now().getTime();
  const beganAt = session.beganAt === undefined ? now : Date.parse(session.beganAt);
  return {
    accessToken,
    expiresAt,
    refreshToken: session.refreshToken,
    refreshExpiresAt: new Date(Math.min(now + idleDays * dayMs, beganAt + absoluteDays * dayMs)).toISOString(),
    sessionId: session.sessionId,
    user: { id: user.id, phone: user.phone, roles: user.roles },
  };
}
