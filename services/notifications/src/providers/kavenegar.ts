import { z } from 'zod';
import { Breaker } from '@kelid/service/breaker';
import { assertNoTransaction } from '@kelid/service/database';
import type { SendAnswer, SmsProvider } from './provider.ts';

// Kavenegar verify/lookup (kavenegar.com/rest.html): the only path that numbers which block advertising receive. The key is in the
// URL, so no URL of it may reach a log. lookup knows no idempotency: after a lost answer a second try is a second SMS.
const Entry = z.looseObject({ messageid: z.union([z.int(), z.string()]).transform(String) });
const Answer = z.object({
  return: z.looseObject({ status: z.int() }),
  entries: z.union([z.array(Entry), Entry, z.null()]).optional(),
});
const retryCodes = new Set([402, 409, 429, 451]);
const alarmCodes = new Set([401, 403, 407, 416, 418, 426, 427]);

export function createKavenegar(options: {
  baseUrl: string;
  apiKey: string;
  onAlarm: (status: number) => void;
}): SmsProvider {
  const breaker = new Breaker();
  return {
    isUp: () => breaker.isClosed(),
    async sendTemplate({ to, template, tokens }): Promise<SendAnswer> {
      assertNoTransaction('kavenegar');
      if (!breaker.tryEnter()) return { kind: 'retry', error: 'breaker open' };
      const body = new URLSearchParams({ receptor: to.replace(/^\+98/, '0'), template });
      for (const [index, token] of tokens.entries()) body.set(index === 0 ? 'token' : `token${index + 1}`, token);
      try {
        const response = await fetch(`${options.baseUrl}/v1/${options.apiKey}/verify/lookup.json`, {
          method: 'POST',
          body,
          redirect: 'error',
          signal: AbortSignal.timeout(5_000),
        });
        const answer = Answer.parse(await response.json());
        breaker.succeed();
        const { status } = answer.return;
        if (status === 200) {
          const entry = Array.isArray(answer.entries) ? answer.entries[0] : answer.entries;
          return { kind: 'sent', providerMessageId: entry?.messageid ?? '' };
        }
        if (alarmCodes.has(status)) options.onAlarm(status);
        return {
          kind: retryCodes.has(status) || alarmCodes.has(status) ? 'retry' : 'refused',
          error: `status ${status}`,
        };
      } catch (error) {
        breaker.fail();
        // Refused connections never reached the provider; anything later may have.
        const isRefused =
          error instanceof Error &&
          error.cause instanceof Error &&
          'code' in error.cause &&
          error.cause.code === 'ECONNREFUSED';
        return { kind: isRefused ? 'retry' : 'unknown', error: isRefused ? 'not reached' : 'no answer' };
      }
    },
  };
}
