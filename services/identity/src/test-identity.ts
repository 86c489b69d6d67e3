import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ProblemError } from '@kelid/contracts/contract';
import { identityContract, type TokenSet } from '@kelid/contracts/identity';
import type { Actor } from '@kelid/service/context';
import { serviceActor, startServices } from '@kelid/testing/start-service';
import { identityService } from './service.ts';

export type Tokens = z.output<typeof TokenSet>;
interface Sms {
  challengeId: string;
  phone: string;
  code: string;
  expiresAt: string;
}

export type TestIdentity = Awaited<ReturnType<typeof startIdentity>>;

/** Identity on a database of its own, with an SMS service that keeps what it was given. Sweeps run when a test asks. */
export async function startIdentity(env: Record<string, string> = {}) {
  const messages: Sms[] = [];
  let isSmsAway = false;
  const shop = await startServices({
    services: [identityService],
    env: {
      RUN: 'api',
      IDENTITY_SECRET: 'a secret of identity for the test run',
      IDENTITY_PROOF_OF_WORK_BITS: '8',
      DATABASE_POOL_MAX: '30',
      ...env,
    },
    peerAnswers: {
      notifications: {
        sendOtp: (sms: Sms) => {
          if (isSmsAway) throw new Error('the SMS service is away');
          messages.push(sms);
          return undefined;
        },
      },
    },
  });
  const guest = (ip = newIp()) => shop.as(identityContract, { kind: 'guest' }, { ip });
  const codeOf = (challengeId: string) => {
    const sms = messages.find((message) => message.challengeId === challengeId);
    if (!sms) throw new Error('No code was sent for this challenge');
    return sms.code;
  };

  return {
    ...shop,
    messages,
    guest,
    codeOf,
    internal: () => shop.as(identityContract, serviceActor),
    /** A client of somebody who signed in. */
    signedIn: (tokens: Tokens) => shop.as(identityContract, actorOf(tokens)),
    setSmsAway: (isAway: boolean) => void (isSmsAway = isAway),
    rows: (text: string, values?: unknown[]) => shop.sql('identity', text, values),

    async signIn(phone: string, device?: string): Promise<Tokens> {
      const given = device === undefined ? {} : { device };
      const { challengeId } = await guest().requestOtp({ phone, ...given });
      return guest().verifyOtp({ challengeId, code: codeOf(challengeId), ...given });
    },

    /** What does not hold of db/invariants.sql. */
    brokenInvariants: () => shop.brokenInvariants('identity'),

    /** Moves what people did into the past, as if this much time had gone by. */
    async passTime(interval: string): Promise<void> {
      const moments = {
        otp_challenges: ['created_at', 'expires_at'],
        otp_sends: ['at'],
        otp_failures: ['at'],
        sessions: ['created_at', 'last_seen_at', 'rotated_at'],
        ws_tickets: ['expires_at'],
      };
      const moves = Object.entries(moments).map(([table, columns]) => {
        const set = columns.map((column) => `${column} = ${column} - $1::interval`).join(', ');
        return `moved_${table} as (update ${table} set ${set})`;
      });
      await shop.sql('identity', `with ${moves.join(', ')} select 1`, [interval]);
    },
  };
}

export function actorOf(tokens: Tokens): Actor {
  return { kind: 'user', userId: tokens.user.id, sessionId: tokens.sessionId, roles: tokens.user.roles };
}

let phoneCount = 0;
/** A number that nobody used yet, far from the one before it. */
export function newPhone(): string {
  phoneCount += 1;
  return `09${String((phoneCount * 7_919_317) % 1_000_000_000).padStart(9, '0')}`;
}

let ipCount = 0;
/** An address in a network that nobody used yet. */
export function newIp(): string {
  ipCount += 1;
  return `10.${(ipCount >> 8) & 255}.${ipCount & 255}.7`;
}

/** Some code that is not the right one. */
export function wrongCode(code: string, step = 1): string {
  return String((Number(code) + step) % 1_000_000).padStart(6, '0');
}

export function solvePuzzle(puzzle: { challenge: string; difficultyBits: number }): {
  challenge: string;
  nonce: string;
} {
  for (let nonce = 0; ; nonce += 1) {
    const digest = createHash('sha256').update(`${puzzle.challenge}:${nonce}`).digest();
    if (Math.clz32(digest.readUInt32BE(0)) >= puzzle.difficultyBits)
      return { challenge: puzzle.challenge, nonce: String(nonce) };
  }
}

/** What a call was refused with. */
export async function problemOf(call: Promise<unknown>): Promise<ProblemError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('The call was not refused');
}
