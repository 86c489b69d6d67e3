import formbody from '@fastify/formbody';
import fastify from 'fastify';
import type { Bank } from './bank-attempt.ts';
import { Fault, type FaultPlace, Faults } from './faults.ts';

/** One bank on a server of its own, and what a shop, a shopper and a tester ask of it. */
export async function startTestBank(createBank: (faults: Faults) => Bank) {
  const faults = new Faults();
  const bank = createBank(faults);
  const server = fastify({ logger: false, forceCloseConnections: true });
  await server.register(formbody);
  bank.register(server);
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    /** Does what the shopper's click does; answers what the browser brings back. */
    decide(token: string, outcome: 'pay' | 'fail' | 'cancel'): Record<string, string> {
      const next = bank.decide(token, outcome);
      if (!next) throw new Error(`The bank has no attempt ${token}`);
      return { ...Object.fromEntries(new URL(next.url).searchParams), ...next.form };
    },
    statusOf: (token: string) => bank.attempts.get(token)?.status,
    fault: (place: FaultPlace, fault: Partial<Fault> & Pick<Fault, 'mode'>) => faults.set(place, Fault.parse(fault)),
    faults: () => faults.list(),
    calm: () => faults.clear(),
    post: (path: string, body: unknown) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    /** A click on the bank's page. */
    press: (path: string, outcome: string) =>
      fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' }),
    close: () => server.close(),
  };
}
export type TestBank = Awaited<ReturnType<typeof startTestBank>>;
