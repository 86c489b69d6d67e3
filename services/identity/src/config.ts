import { z } from 'zod';

const limit = (value: number) => z.coerce.number().int().min(1).max(100_000_000).default(value);

/** The limits are those of the security page; load tests raise them, nobody else should. */
export const IdentityConfig = z.object({
  /** Everything that identity signs, hides or compares is derived from it. */
  IDENTITY_SECRET: z.string().min(32, 'needs 32 characters or more'),
  IDENTITY_OTP_TTL_SECONDS: limit(180),
  IDENTITY_OTP_RESEND_SECONDS: limit(60),
  /** Codes of a phone, for each kind of asker: known device, known network, anybody else. */
  IDENTITY_OTP_PER_PHONE_10_MIN: limit(3),
  IDENTITY_OTP_PER_PHONE_HOUR: limit(5),
  IDENTITY_OTP_PER_PHONE_DAY: limit(10),
  /** Codes of a line (IPv4 or /64): then work; in an hour then none. */
  IDENTITY_OTP_PER_IP_10_MIN: limit(30),
  IDENTITY_OTP_PER_IP_HOUR: limit(300),
  /** Codes of a block of 100,000 numbers: then work. */
  IDENTITY_OTP_PER_PREFIX_10_MIN: limit(20),
  /** Codes of the shop: then work for all, alarm `otp-flood`. */
  IDENTITY_OTP_GLOBAL_PER_HOUR: limit(300),
  /** Codes of the shop: then none for strangers, alarm `otp-daily-cap`. */
  IDENTITY_OTP_DAILY_MAX: limit(5_000),
  /** Beyond the day's codes, for numbers asked for from where they signed in before. */
  IDENTITY_OTP_DAILY_RESERVE: limit(2_500),
  /** Wrong codes of a phone, alarm `otp-guessing`. */
  IDENTITY_WRONG_PER_HOUR: limit(10),
  IDENTITY_WRONG_PER_DAY: limit(20),
  /** Customers that one member of staff looks at in a minute before somebody is told, and the most of a minute and an hour. */
  IDENTITY_STAFF_VIEWS_ALARM_PER_MINUTE: limit(200),
  IDENTITY_STAFF_VIEWS_PER_MINUTE: limit(600),
  IDENTITY_STAFF_VIEWS_PER_HOUR: limit(3_000),
  /** Half a second of a phone. */
  IDENTITY_PROOF_OF_WORK_BITS: z.coerce.number().int().min(8).max(26).default(18),
  /** The most that a flood makes of it; a phone needs some eight seconds for 22. */
  IDENTITY_PROOF_OF_WORK_BITS_MAX: z.coerce.number().int().min(8).max(26).default(22),
});
export type IdentityConfig = z.infer<typeof IdentityConfig>;
