import { z } from 'zod';
import { createOutsideHttp, parseJson } from '@kelid/service/outside-http';
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
  const { baseUrl, apiKey } = options;
  const http = createOutsideHttp({
    name: 'kavenegar',
    baseUrl,
    inFlightMax: 100,
    whenFull: 'wait',
    isFailure: ({ text }) => !Answer.safeParse(parseJson(text)).success,
  });
  return {
    isUp: () => http.isUp(),
    async sendTemplate({ to, template, tokens }): Promise<SendAnswer> {
      const form: Record<string, string> = { receptor: to.replace(/^\+98/, '0'), template };
      for (const [index, token] of tokens.entries()) form[index === 0 ? 'token' : `token${index + 1}`] = token;
      const path = `/v1/${apiKey}/verify/lookup.json`;
      // No caller's signal: once it is sent, it goes on.
      const outcome = await http.send({ method: 'POST', path, form, timeoutMs: 5_000, isWrite: true });
      if (outcome === 'unsent') return { kind: 'retry', error: 'not sent' };
      if (outcome === 'unreached') return { kind: 'retry', error: 'not reached' };
      const answer = outcome === 'unanswered' ? undefined : Answer.safeParse(parseJson(outcome.text)).data;
      if (!answer) return { kind: 'unknown', error: 'no answer' };
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
    },
  };
}
