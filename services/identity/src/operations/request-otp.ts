import { randomInt } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import {
  otpLimited,
  otpNotSent,
  otpProofOfWorkRequired,
  otpTooSoon,
  phoneNotAccepted,
} from '@kelid/contracts/identity';
import { parseIranianMobile } from '@kelid/persian/phone';
import type { Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { askerOf } from '../asker.ts';
import { type Asker, otpChallenges, otpSends, usedPuzzles } from '../db/schema.ts';
import { lineOf } from '@kelid/service/ip-network';
import { difficultyOf, isSolved, makePuzzle } from '../domain/proof-of-work.ts';
import { sha256 } from '../domain/secrets.ts';
import { refuseWhenWrongBudgetSpent } from '../wrong-codes.ts';

/** More calls than all processes together can have open at one moment. */
const callsAtOnceMax = 500;

interface Sent {
  phoneLast: number | null;
  phone10: number;
  phoneHour: number;
  phoneDay: number;
  prefix10: number;
  ip10: number;
  ipHour: number;
  allHour: number;
  allDay: number;
  [column: string]: unknown;
}

/** Sends a code if every limit allows. The answer is the same for known and unknown phones (A12). */
export const requestOtp: Operations['requestOtp'] = async (ctx, input) => {
  const phone = parseIranianMobile(input.phone);
  if (!phone)
    throw phoneNotAccepted({ errors: [{ field: 'phone', message: 'Only mobile numbers of Iran receive codes' }] });
  const deviceHash = input.device === undefined ? null : sha256(input.device);
  const asker = await askerOf(ctx.db, phone, deviceHash, ctx.origin.ip);
  await refuseWhenWrongBudgetSpent(ctx, ctx.db, phone, asker);
  const phonePrefix = prefixOf(phone);
  const line = lineOf(ctx.origin.ip);

  const code = String(randomInt(1_000_000)).padStart(6, '0');
  const challengeId = newId();
  const made = await ctx.transaction(async (tx) => {
    // The locks make the count and the new row one step, for the block of numbers (and so the phone) and for the line; always in this
    // order, so that nobody waits in a circle.
    await tx.execute(
      sql`select pg_advisory_xact_lock(7309, hashtext(${phonePrefix})), pg_advisory_xact_lock(7310, hashtext(${line}))`,
    );
    let sent = await countSent(tx, phone, asker, line);
    // The day's cap is money, so near it everybody takes turns and it is exact; far from it nobody waits for the others.
    if (sent.allDay >= dayMaxOf(ctx, asker) - callsAtOnceMax) {
      await tx.execute(sql`select pg_advisory_xact_lock(7311)`);
      sent = await countSent(tx, phone, asker, line);
    }
    await applyLimits(ctx, tx, phone, asker, sent, input.proofOfWork);

    // A resend keeps the tries of the challenge it replaces, or asking again would be a way to guess on. A stranger's request leaves the
    // owner's code alone.
    const [before] = await tx
      .update(otpChallenges)
      .set({ status: 'superseded' })
      .where(and(eq(otpChallenges.phone, phone), eq(otpChallenges.asker, asker), eq(otpChallenges.status, 'issued')))
      .returning({
        attemptCount: otpChallenges.attemptCount,
        isFresh: sql<boolean>`${otpChallenges.expiresAt} > now()`,
      });
    await tx.insert(otpSends).values({ id: newId(), phone, phonePrefix, ipPrefix: line, asker });
    const [row] = await tx
      .insert(otpChallenges)
      .values({
        id: challengeId,
        phone,
        deviceHash,
        asker,
        codeHash: ctx.secrets.hashOtp(challengeId, phone, code),
        status: 'issued',
        attemptCount: before?.isFresh ? Math.min(before.attemptCount, 4) : 0,
        expiresAt: sql`now() + make_interval(secs => ${ctx.config.IDENTITY_OTP_TTL_SECONDS})`,
      })
      .returning({ expiresAt: otpChallenges.expiresAt, createdAt: otpChallenges.createdAt });
    if (!row) throw new Error('The challenge was not answered');
    return row;
  });

  const expiresAt = new Date(made.expiresAt).toISOString();
  try {
    await ctx.peers.notifications.sendOtp({ challengeId, sendNumber: 1, phone, code, expiresAt });
  } catch (error) {
    ctx.log.warn({ challengeId, err: error }, 'a code was not taken for sending');
    throw otpNotSent({ retryAfterSeconds: ctx.config.IDENTITY_OTP_RESEND_SECONDS });
  }
  return {
    challengeId,
    expiresAt,
    resendAt: new Date(
      new Date(made.createdAt).getTime() + ctx.config.IDENTITY_OTP_RESEND_SECONDS * 1000,
    ).toISOString(),
  };
};

/** What was sent: of this phone, to askers of this kind alone, so that nobody spends another's codes; of the line and the shop, all. */
async function countSent(tx: Tx, phone: string, asker: Asker, line: string): Promise<Sent> {
  const own = sql`phone = ${phone} and asker = ${asker}`;
  const { rows } = await tx.execute<Sent>(sql`
    select
      (select extract(epoch from now() - max(at))::float8 from otp_sends where ${own} and at > now() - interval '1 day') as "phoneLast",
      (select count(*)::int from otp_sends where ${own} and at > now() - interval '10 minutes') as phone10,
      (select count(*)::int from otp_sends where ${own} and at > now() - interval '1 hour') as "phoneHour",
      (select count(*)::int from otp_sends where ${own} and at > now() - interval '1 day') as "phoneDay",
      (select count(*)::int from otp_sends where phone_prefix = ${prefixOf(phone)} and at > now() - interval '10 minutes') as prefix10,
      (select count(*)::int from otp_sends where ip_prefix = ${line} and at > now() - interval '10 minutes') as ip10,
      (select count(*)::int from otp_sends where ip_prefix = ${line} and at > now() - interval '1 hour') as "ipHour",
      (select count(*)::int from otp_sends where at > now() - interval '1 hour') as "allHour",
      (select count(*)::int from otp_sends where at > now() - interval '1 day') as "allDay"`);
  const [sent] = rows;
  if (!sent) throw new Error('The counts were not answered');
  return sent;
}

/** The shop's codes of a day. Those beyond the first part are kept for who signed in before. */
function dayMaxOf({ config }: Context, asker: Asker): number {
  return config.IDENTITY_OTP_DAILY_MAX + (asker === 'stranger' ? 0 : config.IDENTITY_OTP_DAILY_RESERVE);
}

async function applyLimits(
  ctx: Context,
  tx: Tx,
  phone: string,
  asker: Asker,
  sent: Sent,
  proof: { challenge: string; nonce: string } | undefined,
): Promise<void> {
  const { config } = ctx;
  if (sent.phoneLast !== null && sent.phoneLast < config.IDENTITY_OTP_RESEND_SECONDS) {
    throw otpTooSoon({ retryAfterSeconds: Math.ceil(config.IDENTITY_OTP_RESEND_SECONDS - sent.phoneLast) });
  }
  if (sent.phone10 >= config.IDENTITY_OTP_PER_PHONE_10_MIN) throw otpLimited({ retryAfterSeconds: 600 });
  if (sent.phoneHour >= config.IDENTITY_OTP_PER_PHONE_HOUR) throw otpLimited({ retryAfterSeconds: 3_600 });
  if (sent.phoneDay >= config.IDENTITY_OTP_PER_PHONE_DAY) throw otpLimited({ retryAfterSeconds: 86_400 });
  if (sent.allDay >= dayMaxOf(ctx, asker)) {
    ctx.log.error({ alarm: 'otp-daily-cap', count: sent.allDay, from: asker }, "the day's budget of codes is spent");
    throw otpLimited({ retryAfterSeconds: 3_600 });
  }
  const isFlood = sent.allHour >= config.IDENTITY_OTP_GLOBAL_PER_HOUR;
  if (isFlood) ctx.log.error({ alarm: 'otp-flood', count: sent.allHour }, 'far more codes than usual are asked for');
  // A flood is made by strangers; who asks from a device that signed in before neither waits nor works for it.
  if (asker === 'device') return;
  if (sent.ipHour >= config.IDENTITY_OTP_PER_IP_HOUR) throw otpLimited({ retryAfterSeconds: 3_600 });
  // Many of Iran's phones share an address, so an address is asked for work, not locked out; so is everybody when sends explode, and
  // when half of the day's codes are gone: twice the work each time that what is left of them halves.
  const dayLeft = Math.max(1, config.IDENTITY_OTP_DAILY_MAX - sent.allDay);
  const load = Math.max(
    sent.allHour / config.IDENTITY_OTP_GLOBAL_PER_HOUR,
    sent.ip10 / config.IDENTITY_OTP_PER_IP_10_MIN,
    sent.prefix10 / config.IDENTITY_OTP_PER_PREFIX_10_MIN,
    config.IDENTITY_OTP_DAILY_MAX / 2 / dayLeft,
  );
  if (load < 1) return;
  const isProved =
    proof !== undefined &&
    isSolved(ctx.secrets, phone, proof, ctx.now().getTime()) &&
    (await spendPuzzle(tx, proof.challenge));
  if (!isProved) {
    const bits = difficultyOf(load, config.IDENTITY_PROOF_OF_WORK_BITS, config.IDENTITY_PROOF_OF_WORK_BITS_MAX);
    throw otpProofOfWorkRequired({ proofOfWork: makePuzzle(ctx.secrets, phone, bits, ctx.now().getTime()) });
  }
}

async function spendPuzzle(tx: Tx, challenge: string): Promise<boolean> {
  const rows = await tx
    .insert(usedPuzzles)
    .values({ hash: sha256(challenge) })
    .onConflictDoNothing()
    .returning({ hash: usedPuzzles.hash });
  return rows.length > 0;
}

/** +98 and the five digits after it: a block of numbers that one pumping script walks through. */
function prefixOf(phone: string): string {
  return phone.slice(0, 8);
}
