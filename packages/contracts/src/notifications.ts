import { z } from 'zod';
import { Id, IdCursor, Instant, Limit, NoOutput, page, routeNotFound } from './common.ts';
import { contract, operation, problem } from './contract.ts';
import {
  orderCancelled,
  orderExpired,
  orderFulfilled,
  orderPaid,
  orderPlaced,
  orderStatusChanged,
  paymentFailed,
  paymentRefunded,
  paymentRefundRefused,
  paymentReviewBegun,
  paymentSurplus,
  sessionRevoked,
} from './events.ts';
import { listBreachesOf, settleBreachOf } from './monitoring.ts';

export const otpNotAccepted = problem('notifications.otp-not-accepted', {
  status: 503,
  title: 'The SMS provider does not take messages now',
});

/** One thing that happened to one user; also the WebSocket's message. */
export const FeedEntry = z.object({
  id: Id,
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  at: Instant,
});
export type FeedEntry = z.infer<typeof FeedEntry>;

export const notificationsContract = contract(
  'notifications',
  {
    listMessageBreaches: listBreachesOf('notifications'),
    settleMessageBreach: settleBreachOf('notifications'),
    listNotifications: operation({
      method: 'GET',
      path: '/notifications',
      summary: 'What happened, newest first',
      access: ['customer'],
      input: z.object({ limit: Limit, cursor: IdCursor }),
      output: page(FeedEntry.extend({ readAt: Instant.nullable() })).extend({ unreadCount: z.int() }),
    }),
    markNotificationsRead: operation({
      method: 'POST',
      path: '/notifications/read',
      summary: 'Marks all up to now as read',
      access: ['customer'],
      status: 204,
      input: z.object({}),
      output: NoOutput,
    }),
    listMessages: operation({
      method: 'GET',
      path: '/admin/messages',
      summary: 'The delivery log of SMS and e-mail, addresses masked',
      access: ['admin', 'support'],
      showsCustomers: true,
      input: z.object({ limit: Limit, cursor: IdCursor, status: z.string().max(20).optional() }),
      output: page(
        z.object({
          id: Id,
          channel: z.enum(['sms', 'email']),
          template: z.string(),
          to: z.string(),
          status: z.string(),
          attemptCount: z.int(),
          providerMessageId: z.string().nullable(),
          lastError: z.string().nullable(),
          createdAt: Instant,
          sentAt: Instant.nullable(),
        }),
      ),
    }),
    replayMessage: operation({
      method: 'POST',
      path: '/admin/messages/{messageId}/replay',
      summary: 'Queues a dead message again',
      access: ['admin'],
      status: 204,
      checksSession: true,
      input: z.object({ messageId: Id }),
      output: NoOutput,
      problems: [routeNotFound],
    }),
    // Between services.
    sendOtp: operation({
      method: 'POST',
      path: '/internal/notifications/otp',
      summary:
        'Takes a sign-in code for sending; a code past its time is dropped, the same challenge and code is sent once',
      access: ['internal'],
      status: 202,
      input: z.object({
        challengeId: Id,
        sendNumber: z.int().min(1),
        phone: z.string(),
        code: z.string().regex(/^\d{6}$/),
        expiresAt: Instant,
      }),
      output: NoOutput,
      problems: [otpNotAccepted],
    }),
    listFeedSince: operation({
      method: 'GET',
      path: '/internal/notifications/feed',
      summary:
        'Feed entries of all users after a position, for the gateway’s WebSockets; overlapping, tell entries apart by id',
      access: ['internal'],
      input: z.object({
        since: Instant.optional(),
        userId: Id.optional(),
        limit: z.int().min(1).max(1000).default(500),
      }),
      output: z.object({ items: z.array(z.object({ userId: Id, entry: FeedEntry })), asOf: Instant }),
    }),
  },
  orderPlaced,
  orderPaid,
  orderFulfilled,
  orderCancelled,
  orderExpired,
  orderStatusChanged,
  paymentFailed,
  paymentRefunded,
  paymentRefundRefused,
  paymentReviewBegun,
  paymentSurplus,
  sessionRevoked,
);
