import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Faults } from './faults.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string | undefined;
  at: string;
}

export interface MailInbox {
  list(to: string | undefined): Mail[];
  port: number;
  close(): Promise<void>;
}

const inboxMax = 2_000;

/** An SMTP server that takes every mail and keeps the newest. */
export async function startMailInbox(faults: Faults, options: { host: string; port: number }): Promise<MailInbox> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onConnect(_session, done) {
      void faults
        .strike('smtp', ['slow', 'error', 'down'])
        .then((mode) => done(mode === 'error' || mode === 'down' ? new Error('The mailbox is away') : undefined));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        void PostalMime.parse(Buffer.concat(chunks)).then(
          (mail) => {
            for (const { address } of session.envelope.rcptTo) {
              mails.unshift({
                to: address,
                subject: mail.subject ?? '',
                text: mail.text ?? '',
                html: mail.html,
                at: new Date().toISOString(),
              });
            }
            mails.splice(inboxMax);
            done();
          },
          (error: unknown) => done(error instanceof Error ? error : new Error('The mail could not be read')),
        );
      });
    },
  });
  await new Promise<void>((ready, fail) => {
    server.once('error', fail);
    server.listen(options.port, options.host, () => ready());
  });
  const address = server.server.address();
  return {
    list: (to) =>
      to === undefined ? mails.slice(0, 200) : mails.filter((mail) => mail.to.toLowerCase() === to.toLowerCase()),
    port: address !== null && typeof address === 'object' ? address.port : options.port,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}
