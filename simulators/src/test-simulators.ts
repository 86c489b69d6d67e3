import { z } from 'zod';
import { startSimulators } from './simulators.ts';

export const merchantId = '7f0c2f5e-6a7e-4f7a-9d5f-0c2d1e3b4a59';
export const steamCard = {
  merchant_id: merchantId,
  amount: 2_500_000,
  currency: 'IRR',
  description: 'سفارش KL-140508',
  callback_url: 'https://shop.example/callback/zarinpal?lang=fa',
};

const Accepted = z.object({ data: z.object({ authority: z.string().regex(/^S[0-9A-Za-z]{35}$/) }) });
const Listed = z.object({ items: z.array(z.looseObject({ to: z.string(), text: z.string(), at: z.iso.datetime() })) });
const json = { 'content-type': 'application/json' };

/** Simulators of one test file, and what a shop, a shopper and a tester ask of them. */
export async function startTestSimulators() {
  const simulators = await startSimulators({ port: 0, smtpPort: 0 });
  const { url } = simulators;
  const send = (method: string, path: string, body: unknown) =>
    fetch(`${url}${path}`, { method, headers: json, body: JSON.stringify(body) });

  /** One call of the bank's API: `verify` is `verify.json`. */
  const callBank = (name: string, body: Record<string, unknown>) =>
    send('POST', `/zarinpal/pg/v4/payment/${name}.json`, { merchant_id: merchantId, ...body });
  const askBank = async (name: string, body: Record<string, unknown>): Promise<unknown> =>
    (await callBank(name, body)).json();

  const startPayment = async (changes: Record<string, unknown> = {}) =>
    Accepted.parse(await askBank('request', { ...steamCard, ...changes })).data.authority;
  const decide = async (authority: string, outcome: string): Promise<unknown> =>
    (await send('POST', `/banks/attempts/${authority}`, { outcome })).json();

  return {
    ...simulators,
    callBank,
    askBank,
    startPayment,
    decide,
    async startPaid(changes: Record<string, unknown> = {}) {
      const authority = await startPayment(changes);
      await decide(authority, 'pay');
      return authority;
    },
    /** One call of the SMS provider, as a form. */
    callSms: (method: string, params: Record<string, string>, apiKey = 'ABCDEF0123456789') =>
      fetch(`${url}/kavenegar/v1/${apiKey}/${method}.json`, { method: 'POST', body: new URLSearchParams(params) }),
    list: async (path: string) => Listed.parse(await (await fetch(`${url}${path}`)).json()).items,
    page: async (path: string) => (await fetch(`${url}${path}`)).text(),
    fault: (place: string, fault: Record<string, unknown>) => send('PUT', `/faults/${place}`, fault),
    faults: async (): Promise<unknown> => (await fetch(`${url}/faults`)).json(),
    calm: () => fetch(`${url}/faults`, { method: 'DELETE' }),
  };
}
export type TestSimulators = Awaited<ReturnType<typeof startTestSimulators>>;
