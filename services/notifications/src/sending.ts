import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { toPersianDigits } from '@kelid/persian/digits';
import { jalaliParts } from '@kelid/persian/jalali';
import { formatTomanNumber } from '@kelid/persian/toman';
import type { Context } from './context.ts';
import { messages } from './db/schema.ts';
import { renderMail } from './domain/mail-templates.ts';
import type { SendAnswer } from './providers/provider.ts';

type Message = typeof messages.$inferSelect;
const attemptsMax = 8;

/** Claims queued messages and sends them. Of two senders at once only the one that made the claim sends. Answers how many it claimed. */
export async function deliver(ctx: Context, which: SQL): Promise<number> {
  const claimed = await ctx.db
    .update(messages)
    .set({
      status: 'sending',
      attemptCount: sql`${messages.attemptCount} + 1`,
      dueAt: sql`now() + interval '60 seconds'`,
    })
    .where(and(which, inArray(messages.status, ['queued', 'unknown']), sql`${messages.dueAt} <= now()`))
    .returning();
  await Promise.all(claimed.map((message) => deliverClaimed(ctx, message)));
  return claimed.length;
}

async function deliverClaimed(ctx: Context, message: Message): Promise<void> {
  if (message.expiresAt !== null && new Date(message.expiresAt) <= ctx.now()) {
    await finish(ctx, message, { status: 'dropped', dueAt: null, sealedCode: null });
    return;
  }
  const answer = await send(ctx, message).catch((error: unknown): SendAnswer => {
    ctx.log.error({ messageId: message.id, template: message.template, err: error }, 'a message could not be made');
    return { kind: 'retry', error: 'not made' };
  });
  await record(ctx, message, answer);
}

async function send(ctx: Context, message: Message): Promise<SendAnswer> {
  if (message.channel === 'email') {
    if (message.recipient === null) return { kind: 'refused', error: 'no address' };
    return ctx.mailProvider.send({
      to: message.recipient,
      content: renderMail(message.template, message.params, ctx.config.NOTIFICATIONS_SHOP_URL),
      messageId: message.id,
    });
  }
  const to =
    message.recipient ??
    (message.userId === null ? undefined : (await ctx.peers.identity.getUser({ userId: message.userId })).phone);
  if (to === undefined) return { kind: 'refused', error: 'no phone' };
  // Each further try goes to the next provider that is up: one that answers with refusals is away as well.
  const up = ctx.smsProviders.filter((candidate) => candidate.isUp());
  const candidates = up.length > 0 ? up : ctx.smsProviders;
  const provider = candidates[(message.attemptCount - 1) % candidates.length];
  if (!provider) return { kind: 'retry', error: 'no provider' };
  return provider.sendTemplate({ to, template: `kelid-${message.template}`, tokens: smsTokens(ctx, message) });
}

function smsTokens(ctx: Context, message: Message): string[] {
  if (message.template === 'otp') return message.sealedCode === null ? [] : [ctx.seal.open(message.sealedCode)];
  const { orderNumber, amountRial, at } = message.params;
  // A token of the provider takes no spaces.
  if (message.template === 'session-ended') return [toPersianDigits(jalaliDay(String(at)))];
  const tokens = typeof orderNumber === 'string' ? [orderNumber] : [];
  if (typeof amountRial === 'number') tokens.push(formatTomanNumber(amountRial, 'fa'));
  return tokens;
}

function jalaliDay(at: string): string {
  const { year, month, day } = jalaliParts(at);
  return [year, month, day].join('/');
}

async function record(ctx: Context, message: Message, answer: SendAnswer): Promise<void> {
  const isOtp = message.template === 'otp';
  switch (answer.kind) {
    case 'sent':
      await finish(ctx, message, {
        status: 'sent',
        sentAt: sql`now()`,
        dueAt: null,
        providerMessageId: answer.providerMessageId,
        lastError: null,
        sealedCode: null,
      });
      return;
    case 'unknown':
      // It may have arrived. A code is not sent again, its owner can ask; anything else is sent once more.
      if (isOtp || message.attemptCount > 1)
        await finish(ctx, message, { status: 'unknown', dueAt: null, lastError: answer.error, sealedCode: null });
      else
        await finish(ctx, message, {
          status: 'unknown',
          dueAt: sql`now() + interval '30 seconds'`,
          lastError: answer.error,
        });
      return;
    case 'refused':
      await giveUp(ctx, message, answer.error);
      return;
    case 'retry':
      if (message.attemptCount >= attemptsMax) await giveUp(ctx, message, answer.error);
      else
        await finish(ctx, message, {
          status: 'queued',
          dueAt: sql`now() + make_interval(secs => ${retrySeconds(message, isOtp)})`,
          lastError: answer.error,
        });
  }
}

function retrySeconds(message: Message, isOtp: boolean): number {
  const base = isOtp ? 2 : 2 ** message.attemptCount;
  return Math.min(600, base) * (0.75 + Math.random() / 2);
}

async function giveUp(ctx: Context, message: Message, error: string): Promise<void> {
  ctx.log.error(
    {
      messageId: message.id,
      channel: message.channel,
      template: message.template,
      reason: error,
      alarm: 'message-dead',
    },
    'a message was given up',
  );
  await finish(ctx, message, { status: 'dead', dueAt: null, lastError: error, sealedCode: null });
}

async function finish(ctx: Context, message: Message, changes: Record<string, unknown>): Promise<void> {
  await ctx.db
    .update(messages)
    .set(changes)
    .where(
      and(eq(messages.id, message.id), eq(messages.status, 'sending'), eq(messages.attemptCount, message.attemptCount)),
    );
}
