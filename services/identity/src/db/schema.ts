import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Role } from '@kelid/contracts/contract';

export { invariantBreaches, monitorMarks, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

/** Who asks for a code of a number: a device, or else a network, that this number signed in from before; or anybody. */
export type Asker = 'device' | 'network' | 'stranger';
const asker = () => text().$type<Asker>().notNull().default('stranger');

export const users = pgTable('users', {
  id: uuid().primaryKey(),
  phone: text().notNull().unique(),
  status: text().$type<'active' | 'banned'>().notNull().default('active'),
  roles: text().array().$type<Role[]>().notNull(),
  createdAt: instant('created_at')
    .notNull()
    .default(sql`now()`),
});

/** One per phone and quarter of an hour of trying: a resend makes a new code and keeps the tries. */
export const otpChallenges = pgTable(
  'otp_challenges',
  {
    id: uuid().primaryKey(),
    phone: text().notNull(),
    deviceHash: text('device_hash'),
    asker: asker(),
    codeHash: text('code_hash').notNull(),
    status: text().$type<'issued' | 'consumed' | 'expired' | 'locked' | 'superseded'>().notNull(),
    attemptCount: integer('attempt_count').notNull().default(0),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    check('otp_challenges_attempts', sql`${table.attemptCount} between 0 and 5`),
    index('otp_challenges_phone').on(table.phone, table.createdAt),
  ],
);

/** Each code sent, for the limits. In PostgreSQL and not per process: many addresses together must not get around them. */
export const otpSends = pgTable(
  'otp_sends',
  {
    id: uuid().primaryKey(),
    phone: text().notNull(),
    phonePrefix: text('phone_prefix').notNull(),
    ipPrefix: text('ip_prefix').notNull(),
    asker: asker(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('otp_sends_phone').on(table.phone, table.at),
    index('otp_sends_prefix').on(table.phonePrefix, table.at),
    index('otp_sends_ip').on(table.ipPrefix, table.at),
    index('otp_sends_at').on(table.at),
  ],
);

/** Wrong codes over all challenges of a phone. */
export const otpFailures = pgTable(
  'otp_failures',
  {
    id: uuid().primaryKey(),
    phone: text().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('otp_failures_phone').on(table.phone, table.at)],
);

/** Puzzles that were used: each opens one door. */
export const usedPuzzles = pgTable('used_puzzles', {
  hash: text().primaryKey(),
  at: instant('at')
    .notNull()
    .default(sql`now()`),
});

/** A session is one family of refresh tokens: the current one, and the one before it while its successor was never used. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid().primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    tokenHash: text('token_hash').notNull().unique(),
    /** The token that `tokenHash` replaced. */
    previousHash: text('previous_hash').unique(),
    rotatedAt: instant('rotated_at')
      .notNull()
      .default(sql`now()`),
    deviceHash: text('device_hash'),
    userAgent: text('user_agent').notNull(),
    ipPrefix: text('ip_prefix').notNull(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    lastSeenAt: instant('last_seen_at')
      .notNull()
      .default(sql`now()`),
    revokedAt: instant('revoked_at'),
    revokeReason: text('revoke_reason'),
  },
  (table) => [
    index('sessions_user').on(table.userId, table.createdAt),
    index('sessions_revoked')
      .on(table.revokedAt)
      .where(sql`${table.revokedAt} is not null`),
  ],
);

/** Every refresh token that was ever spent, so that using one again kills its family. */
export const spentTokens = pgTable(
  'spent_tokens',
  {
    tokenHash: text('token_hash').primaryKey(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('spent_tokens_session').on(table.sessionId)],
);

export const signingKeys = pgTable('signing_keys', {
  id: uuid().primaryKey(),
  publicJwk: jsonb('public_jwk').notNull(),
  sealedPrivateJwk: text('sealed_private_jwk').notNull(),
  signsFrom: instant('signs_from').notNull(),
  retiresAt: instant('retires_at').notNull(),
  createdAt: instant('created_at')
    .notNull()
    .default(sql`now()`),
});

export const wsTickets = pgTable('ws_tickets', {
  ticketHash: text('ticket_hash').primaryKey(),
  userId: uuid('user_id').notNull(),
  sessionId: uuid('session_id').notNull(),
  expiresAt: instant('expires_at').notNull(),
});

/** Who changed what of an account, in the transaction of the change. Rows are added, never changed. */
export const identityAudit = pgTable(
  'identity_audit',
  {
    id: uuid().primaryKey(),
    actor: text().notNull(),
    action: text().notNull(),
    userId: uuid('user_id').notNull(),
    before: jsonb().notNull(),
    after: jsonb().notNull(),
    reason: text().notNull(),
    ip: text().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('identity_audit_user').on(table.userId, table.action, table.at, table.id)],
);

/** Which member of staff read customers' data, when, and what was asked for; written before it is shown. Rows are added, never changed. */
export const staffViews = pgTable(
  'staff_views',
  {
    id: uuid().primaryKey(),
    staffId: uuid('staff_id').notNull(),
    sessionId: uuid('session_id').notNull(),
    operation: text().notNull(),
    about: jsonb().$type<Record<string, unknown>>().notNull(),
    customerCount: integer('customer_count').notNull(),
    ip: text().notNull(),
    requestId: text('request_id').notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('staff_views_staff').on(table.staffId, table.at),
    check('staff_views_count', sql`${table.customerCount} > 0`),
  ],
);

/** Whose data that was. */
export const staffViewCustomers = pgTable(
  'staff_view_customers',
  {
    viewId: uuid('view_id')
      .notNull()
      .references(() => staffViews.id),
    customerId: uuid('customer_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.viewId, table.customerId] }),
    index('staff_view_customers_customer').on(table.customerId),
  ],
);
