import { z } from 'zod';

export const NotificationsConfig = z.object({
  NOTIFICATIONS_KAVENEGAR_URL: z.url().default('http://localhost:4000/kavenegar'),
  /** A second account or line, used while the first one does not answer. */
  NOTIFICATIONS_KAVENEGAR_FALLBACK_URL: z.url().optional(),
  NOTIFICATIONS_KAVENEGAR_KEY: z.string().min(8).default('DemoKavenegarKey00'),
  NOTIFICATIONS_SMTP_URL: z.url().default('smtp://localhost:1025'),
  NOTIFICATIONS_MAIL_FROM: z.string().default('کلید <no-reply@kelid.example>'),
  NOTIFICATIONS_SHOP_URL: z.url().default('http://localhost:3000'),
  /** Seals sign-in codes between taking and sending. */
  NOTIFICATIONS_SECRET: z.string().min(32, 'needs 32 characters or more'),
});
export type NotificationsConfig = z.infer<typeof NotificationsConfig>;
