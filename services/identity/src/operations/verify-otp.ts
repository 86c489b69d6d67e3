import { and, eq, sql } from 'drizzle-orm';
import { forbidden } from '@kelid/contracts/common';
import { userRegistered } from '@kelid/contracts/events';
import { otpExpired, otpLocked, otpWrong } from '@kelid/contracts/identity';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import { askerOf } from '../asker.ts';
import type { Operations } from '../context.ts';
import { otpChallenges, otpFailures, users } from '../db/schema.ts';
import { isSame, sha256 } from '../domain/secrets.ts';
import { beginSession, tokenSet } from '../sessions.ts';
import { toLatinDigits } from '@kelid/persian/digits';
import { refuseWhenWrongBudgetSpent } from '../wrong-codes.ts';

const attemptsMax = 5;

/** A code succeeds once; of a hundred guesses at once at most five are compared (I23). */
export const verifyOtp: Operations['verifyOtp'] = async (ctx, { challengeId, code, device }) => {
  const deviceHash = device === undefined ? null : sha256(device);
  const canBeTried = and(
    eq(otpChallenges.id, challengeId),
    eq(otpChallenges.status, 'issued'),
    sql`${otpChallenges.expiresAt} > now()`,
    sql`${otpChallenges.attemptCount} < ${attemptsMax}`,
  );
  const [known] = await ctx.db.select({ phone: otpChallenges.phone }).from(otpChallenges).where(canBeTried);
  const failureId = newId();
  // The try is counted and committed before the code is compared, so that no two comparisons share one try. It counts as wrong, for
  // the challenge and for the phone, until it proves right: a crash here gives no free guess.
  const challenge =
    known &&
    (await ctx.transaction(async (tx) => {
      // The tries of one phone take turns, so that the count of wrong ones stays true until this one is written.
      await tx.execute(sql`select pg_advisory_xact_lock(7308, hashtext(${known.phone}))`);
      const asker = await askerOf(tx, known.phone, deviceHash, ctx.origin.ip);
      await refuseWhenWrongBudgetSpent(ctx, tx, known.phone, asker);
      const [tried] = await tx
        .update(otpChallenges)
        .set({ attemptCount: sql`${otpChallenges.attemptCount} + 1` })
        .where(canBeTried)
        .returning();
      if (tried) await tx.insert(otpFailures).values({ id: failureId, phone: known.phone });
      return tried;
    }));
  if (!challenge) {
    const [dead] = await ctx.db
      .select({ status: otpChallenges.status, attemptCount: otpChallenges.attemptCount })
      .from(otpChallenges)
      .where(eq(otpChallenges.id, challengeId));
    if (dead?.status === 'issued' && dead.attemptCount >= attemptsMax) throw otpLocked();
    if (dead?.status === 'issued') throw otpExpired();
    throw otpWrong({ attemptsLeft: 0 }); // Unknown, used or replaced: nothing more is told.
  }

  const isRight =
    isSame(challenge.codeHash, ctx.secrets.hashOtp(challengeId, challenge.phone, toLatinDigits(code.trim()))) &&
    (challenge.deviceHash === null || challenge.deviceHash === deviceHash);
  if (!isRight) {
    if (challenge.attemptCount >= attemptsMax) throw otpLocked();
    throw otpWrong({ attemptsLeft: attemptsMax - challenge.attemptCount });
  }

  await ctx.db.delete(otpFailures).where(eq(otpFailures.id, failureId));
  const begun = await ctx.transaction(async (tx) => {
    const consumed = await tx
      .update(otpChallenges)
      .set({ status: 'consumed' })
      .where(and(eq(otpChallenges.id, challengeId), eq(otpChallenges.status, 'issued')))
      .returning({ id: otpChallenges.id });
    if (consumed.length === 0) throw otpWrong({ attemptsLeft: 0 }); // The same code at the same moment: one session, not two (A04).
    const [made] = await tx
      .insert(users)
      .values({ id: newId(), phone: challenge.phone, roles: ['customer'] })
      .onConflictDoNothing()
      .returning();
    // Locked against a ban of this moment: it waits for this session and ends it, or this waits and sees the ban.
    const [user] = made ? [made] : await tx.select().from(users).where(eq(users.phone, challenge.phone)).for('share');
    if (!user) throw new Error('The account was not found');
    if (user.status === 'banned') throw forbidden('This account is closed');
    if (made) await publish(tx, userRegistered({ userId: made.id, phone: made.phone }));
    return { user, session: await beginSession(ctx, tx, user, deviceHash) };
  });
  return tokenSet(ctx, begun.user, begun.session);
};
