import type { MailContent } from '../domain/mail-templates.ts';

export type SendAnswer =
  | { kind: 'sent'; providerMessageId: string }
  /** It may have been sent: the answer was lost. */
  | { kind: 'unknown'; error: string }
  /** Not sent; another try may work. */
  | { kind: 'retry'; error: string }
  /** Not sent, and never will be like this. */
  | { kind: 'refused'; error: string };

export interface SmsProvider {
  /** False while its breaker is open. */
  isUp(): boolean;
  /** A template message; a token holds no space. */
  sendTemplate(message: { to: string; template: string; tokens: string[] }): Promise<SendAnswer>;
}

export interface MailProvider {
  send(message: { to: string; content: MailContent; messageId: string }): Promise<SendAnswer>;
}
