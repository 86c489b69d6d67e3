import { createTransport } from 'nodemailer';
import { assertNoTransaction } from '@kelid/service/database';
import type { MailProvider, SendAnswer } from './provider.ts';

export function createSmtp(options: { url: string; from: string }): MailProvider & { close(): void } {
  const transport = createTransport({
    url: options.url,
    pool: true,
    maxConnections: 3,
    connectionTimeout: 5_000,
    socketTimeout: 10_000,
  });
  return {
    async send({ to, content, messageId }): Promise<SendAnswer> {
      assertNoTransaction('smtp');
      try {
        // The same Message-ID on a second try lets the mailbox fold the two into one.
        const sent = await transport.sendMail({
          from: options.from,
          to,
          ...content,
          messageId: `<${messageId}@kelid.example>`,
        });
        return { kind: 'sent', providerMessageId: sent.messageId };
      } catch (error) {
        const code =
          error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number'
            ? error.responseCode
            : 0;
        // A refusal at the greeting or of our account says nothing about this mail; only one of its address or text does.
        const isAboutMail =
          error instanceof Error && 'code' in error && (error.code === 'EENVELOPE' || error.code === 'EMESSAGE');
        return isAboutMail && code >= 500 && code < 600
          ? { kind: 'refused', error: `smtp ${code}` }
          : { kind: 'retry', error: code ? `smtp ${code}` : 'not reached' };
      }
    },
    close: () => transport.close(),
  };
}
