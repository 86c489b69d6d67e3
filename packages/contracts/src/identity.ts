import { z } from 'zod';
import { FieldErrors, forbidden, Id, Instant, NoInput, NoOutput, RetryAfter, staffViewsLimited } from './common.ts';
import { contract, operation, problem, Role } from './contract.ts';
import { listBreachesOf, settleBreachOf } from './monitoring.ts';

export const phoneNotAccepted = problem('identity.phone-not-accepted', {
  status: 422,
  title: 'Only Iranian mobile numbers can receive a code',
  data: FieldErrors,
});
export const otpTooSoon = problem('identity.otp-too-soon', {
  status: 429,
  title: 'A code was sent a moment ago; wait before asking for another',
  data: RetryAfter,
});
export const otpLimited = problem('identity.otp-limited', {
  status: 429,
  title: 'Too many codes were asked for; try again later',
  data: RetryAfter,
});
export const otpProofOfWorkRequired = problem('identity.proof-of-work-required', {
  status: 429,
  title: 'Solve the small puzzle and ask again',
  data: z.object({ proofOfWork: z.object({ challenge: z.string(), difficultyBits: z.int() }) }),
});
export const otpNotSent = problem('identity.otp-not-sent', {
  status: 503,
  title: 'The code could not be sent; try again in a moment',
  data: RetryAfter,
});
export const otpWrong = problem('identity.otp-wrong', {
  status: 401,
  title: 'This code is not right',
  data: z.object({ attemptsLeft: z.int() }),
});
export const otpLocked = problem('identity.otp_locked', {
  status: 401,
  title: 'Too many wrong codes; ask for a new one',
});
export const otpExpired = problem('identity.otp_expired', {
  status: 401,
  title: 'This code has expired; ask for a new one',
});
export const refreshRefused = problem('identity.refresh-refused', { status: 401, title: 'Sign in again' });
export const sessionNotFound = problem('identity.session-not-found', { status: 404, title: 'No such session' });
export const userNotFound = problem('identity.user-not-found', { status: 404, title: 'No such user' });
export const lastAdmin = problem('identity.last-admin', {
  status: 409,
  title: 'The shop needs an admin: make somebody else one first',
});

export const UserSummary = z.object({ id: Id, phone: z.string(), roles: z.array(Role) });
export const TokenSet = z.object({
  accessToken: z.string(),
  expiresAt: Instant,
  refreshToken: z.string(),
  refreshExpiresAt: Instant,
  sessionId: Id,
  user: UserSummary,
});
export type TokenSet = z.infer<typeof TokenSet>;
/** A value the browser's own server side keeps in a cookie; a code asked for with one can only be used with the same one. */
const Device = z.string().min(16).max(64).optional();
const AnyPhone = z.string().min(1).max(40);

export const identityContract = contract('identity', {
  listAccountBreaches: listBreachesOf('identity'),
  settleAccountBreach: settleBreachOf('identity'),
  requestOtp: operation({
    method: 'POST',
    path: '/auth/otp/request',
    summary: 'Sends a sign-in code by SMS',
    access: ['public'],
    status: 202,
    input: z.object({
      phone: AnyPhone,
      device: Device,
      proofOfWork: z.object({ challenge: z.string().max(200), nonce: z.string().max(40) }).optional(),
    }),
    output: z.object({ challengeId: Id, expiresAt: Instant, resendAt: Instant }),
    problems: [phoneNotAccepted, otpTooSoon, otpLimited, otpProofOfWorkRequired, otpNotSent],
  }),
  verifyOtp: operation({
    method: 'POST',
    path: '/auth/otp/verify',
    summary: 'Exchanges the code for a session; a new phone becomes a new account',
    access: ['public'],
    input: z.object({ challengeId: Id, code: z.string().min(1).max(20), device: Device }),
    output: TokenSet,
    problems: [otpWrong, otpLocked, otpExpired, otpLimited, forbidden],
  }),
  refreshSession: operation({
    method: 'POST',
    path: '/auth/refresh',
    summary: 'Rotates the refresh token',
    access: ['public'],
    input: z.object({ refreshToken: z.string().min(20).max(200) }),
    output: TokenSet,
    problems: [refreshRefused],
  }),
  logout: operation({
    method: 'POST',
    path: '/auth/logout',
    summary: 'Ends this session',
    access: ['customer', 'seller', 'support', 'developer', 'admin'],
    status: 204,
    input: NoInput,
    output: NoOutput,
  }),
  logoutAll: operation({
    method: 'POST',
    path: '/auth/logout-all',
    summary: 'Ends every session of this user',
    access: ['customer', 'seller', 'support', 'developer', 'admin'],
    status: 204,
    input: NoInput,
    output: NoOutput,
  }),
  listSessions: operation({
    method: 'GET',
    path: '/auth/sessions',
    summary: 'The devices signed in as this user',
    access: ['customer', 'seller', 'support', 'developer', 'admin'],
    input: NoInput,
    output: z.object({
      items: z.array(
        z.object({
          id: Id,
          device: z.string(),
          ipPrefix: z.string(),
          createdAt: Instant,
          lastSeenAt: Instant,
          isCurrent: z.boolean(),
        }),
      ),
      nextCursor: z.null(),
    }),
  }),
  deleteSession: operation({
    method: 'DELETE',
    path: '/auth/sessions/{sessionId}',
    summary: 'Ends one session of this user',
    access: ['customer', 'seller', 'support', 'developer', 'admin'],
    status: 204,
    input: z.object({ sessionId: Id }),
    output: NoOutput,
    problems: [sessionNotFound],
  }),
  createWsTicket: operation({
    method: 'POST',
    path: '/ws/ticket',
    summary: 'A ticket that opens the WebSocket once, within 30 seconds',
    access: ['customer', 'seller', 'support', 'developer', 'admin'],
    input: NoInput,
    output: z.object({ ticket: z.string(), expiresAt: Instant }),
  }),
  setUserStatus: operation({
    method: 'PUT',
    path: '/admin/users/{userId}/status',
    summary: 'Bans or unbans a user; a ban ends every session',
    access: ['admin', 'internal'],
    input: z.object({ userId: Id, status: z.enum(['active', 'banned']), reason: z.string().min(3).max(500) }),
    output: z.object({ userId: Id, status: z.enum(['active', 'banned']) }),
    problems: [userNotFound, lastAdmin],
    checksSession: true,
  }),
  setUserRoles: operation({
    method: 'PUT',
    path: '/admin/users/{userId}/roles',
    summary: 'Sets the roles of a user and ends the sessions that carry the old ones',
    access: ['admin', 'internal'],
    input: z.object({ userId: Id, roles: z.array(Role).min(1).max(5), reason: z.string().min(3).max(500) }),
    output: UserSummary,
    problems: [userNotFound, lastAdmin],
    checksSession: true,
  }),
  // Between services.
  ensureUser: operation({
    method: 'POST',
    path: '/internal/identity/users',
    summary: 'The account of a phone number, made when missing',
    access: ['internal'],
    input: z.object({ phone: AnyPhone }),
    output: UserSummary,
    problems: [phoneNotAccepted],
  }),
  getUser: operation({
    method: 'GET',
    path: '/internal/identity/users/{userId}',
    summary: 'Phone and roles of a user, for messages',
    access: ['internal'],
    input: z.object({ userId: Id }),
    output: UserSummary,
    problems: [userNotFound],
  }),
  getJwks: operation({
    method: 'GET',
    path: '/internal/identity/jwks',
    summary: 'The public keys that access tokens are checked with',
    access: ['internal'],
    input: NoInput,
    output: z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) }),
  }),
  listRevocations: operation({
    method: 'GET',
    path: '/internal/identity/revocations',
    summary: 'Sessions revoked since a moment, for the gateway',
    access: ['internal'],
    input: z.object({ since: Instant }),
    output: z.object({ sessionIds: z.array(Id), asOf: Instant }),
  }),
  checkSession: operation({
    method: 'GET',
    path: '/internal/identity/sessions/{sessionId}',
    summary: 'Whether a session is alive at this moment',
    access: ['internal'],
    input: z.object({ sessionId: Id }),
    output: z.object({ isLive: z.boolean() }),
  }),
  claimStaffView: operation({
    method: 'POST',
    path: '/internal/identity/staff-views',
    summary: "Writes down that a member of staff is about to read customers' data, within what one person may read",
    access: ['internal'],
    input: z.object({
      staffId: Id,
      sessionId: Id,
      operation: z.string().max(100),
      /** What was asked for: filters and ids. */
      about: z.record(z.string(), z.unknown()),
      /** At most so many customers are shown. */
      customerCount: z.int().min(1).max(1_000),
    }),
    output: z.object({ viewId: Id }),
    problems: [staffViewsLimited],
  }),
  recordViewedCustomers: operation({
    method: 'POST',
    path: '/internal/identity/staff-views/{viewId}/customers',
    summary: 'Whose data a member of staff was then shown',
    access: ['internal'],
    status: 204,
    input: z.object({ viewId: Id, customerIds: z.array(Id).min(1).max(1_000) }),
    output: NoOutput,
  }),
  redeemWsTicket: operation({
    method: 'POST',
    path: '/internal/identity/ws-tickets/redeem',
    summary: 'Whose ticket this is; a second redeeming finds nothing',
    access: ['internal'],
    input: z.object({ ticket: z.string().max(100) }),
    output: z.object({ session: z.object({ userId: Id, sessionId: Id }).nullable() }),
  }),
});
