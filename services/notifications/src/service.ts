import { join } from 'node:path';
import { notificationsContract } from '@kelid/contracts/notifications';
import { defineService } from '@kelid/service/define-service';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { NotificationsConfig } from './config.ts';
import { createSeal } from './domain/seal.ts';
import { onOrderEvent } from './events/on-order-event.ts';
import { onSessionRevoked } from './events/on-session-revoked.ts';
import { sendDueMessages } from './jobs/send-due-messages.ts';
import { listFeedSince } from './operations/list-feed-since.ts';
import { listMessages } from './operations/list-messages.ts';
import { listNotifications } from './operations/list-notifications.ts';
import { markNotificationsRead } from './operations/mark-notifications-read.ts';
import { replayMessage } from './operations/replay-message.ts';
import { sendOtp } from './operations/send-otp.ts';
import { createKavenegar } from './providers/kavenegar.ts';
import { createSmtp } from './providers/smtp.ts';
import { listMessageBreaches } from './operations/list-message-breaches.ts';
import { settleMessageBreach } from './operations/settle-message-breach.ts';
import type { Context } from './context.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const notificationsService = defineService({
  contract: notificationsContract,
  peers: ['identity'],
  migrationsFolder,
  config: NotificationsConfig,
  createParts(config, start) {
    const { log } = start.contextOf();
    const mailProvider = createSmtp({ url: config.NOTIFICATIONS_SMTP_URL, from: config.NOTIFICATIONS_MAIL_FROM });
    start.onClose(async () => mailProvider.close());
    const urls = [config.NOTIFICATIONS_KAVENEGAR_URL, config.NOTIFICATIONS_KAVENEGAR_FALLBACK_URL].filter(
      (url) => url !== undefined,
    );
    const smsProviders = urls.map((baseUrl) =>
      createKavenegar({
        baseUrl,
        apiKey: config.NOTIFICATIONS_KAVENEGAR_KEY,
        onAlarm: (status) =>
          log.error({ providerStatus: status, alarm: 'sms-account' }, 'the SMS account needs a person'),
      }),
    );
    return { config, seal: createSeal(config.NOTIFICATIONS_SECRET), smsProviders, mailProvider };
  },
  operations: {
    listMessageBreaches,
    settleMessageBreach,
    sendOtp,
    listNotifications,
    markNotificationsRead,
    listMessages,
    replayMessage,
    listFeedSince,
  },
  events: {
    'order.placed': onOrderEvent,
    'order.paid': onOrderEvent,
    'order.fulfilled': onOrderEvent,
    'order.cancelled': onOrderEvent,
    'order.expired': onOrderEvent,
    'order.status-changed': onOrderEvent,
    'payment.failed': onOrderEvent,
    'payment.refunded': onOrderEvent,
    'payment.refund-refused': onOrderEvent,
    'payment.review-begun': onOrderEvent,
    'payment.surplus': onOrderEvent,
    'session.revoked': onSessionRevoked,
  },
  sweeps: [
    watchInvariants<Context>(migrationsFolder),
    { name: 'send-due-messages', everyMs: 1_000, run: sendDueMessages },
  ],
});
