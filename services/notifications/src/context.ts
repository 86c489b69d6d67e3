import type { notificationsContract } from '@kelid/contracts/notifications';
import type { BaseContext, OperationsOf } from '@kelid/service/context';
import type { NotificationsConfig } from './config.ts';
import type { Seal } from './domain/seal.ts';
import type { MailProvider, SmsProvider } from './providers/provider.ts';

export type Context = BaseContext & {
  config: NotificationsConfig;
  seal: Seal;
  smsProviders: SmsProvider[];
  mailProvider: MailProvider;
};
export type Operations = OperationsOf<typeof notificationsContract, Context>;
