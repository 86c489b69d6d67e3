import { eq } from 'drizzle-orm';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { messages } from '../db/schema.ts';
import { deliver } from '../sending.ts';

/** Takes the code; the sending itself does not hold up the sign-in page. */
export const sendOtp: Operations['sendOtp'] = async (ctx, { challengeId, sendNumber, phone, code, expiresAt }) => {
  const [message] = await ctx.db
    .insert(messages)
    .values({
      id: newId(),
      channel: 'sms',
      template: 'otp',
      recipient: phone,
      params: {},
      sealedCode: ctx.seal.seal(code),
      dedupeKey: `otp:${challengeId}:${sendNumber}`,
      expiresAt,
    })
    .onConflictDoNothing()
    .returning({ id: messages.id });
  if (message) {
    void deliver(ctx, eq(messages.id, message.id)).catch((error: unknown) =>
      ctx.log.warn({ messageId: message.id, err: error }, 'a code is sent by the sweep'),
    );
  }
  return undefined;
};
