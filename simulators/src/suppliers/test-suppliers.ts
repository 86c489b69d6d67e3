import { z } from 'zod';
import { startSimulators } from '../simulators.ts';

const Report = z.object({
  balanceCents: z.int(),
  items: z.array(
    z.looseObject({
      orderId: z.string(),
      reference: z.string().nullable(),
      status: z.string(),
      chargedCents: z.int(),
      units: z.array(z.looseObject({ id: z.string(), state: z.string(), code: z.string() })),
    }),
  ),
});
const Token = z.looseObject({ access_token: z.string() });

export interface Heard {
  status: number;
  /** The JSON, the text when it is none, or `no answer`. */
  body: unknown;
}

/** Simulators of one test file, with what a shop and a tester ask of the suppliers. */
export async function startTestSuppliers() {
  const simulators = await startSimulators({ port: 0, smtpPort: 0 });

  async function call(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: unknown } = {},
  ) {
    try {
      const response = await fetch(`${simulators.url}${path}`, {
        method,
        headers: { ...(options.body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
      const text = await response.text();
      return { status: response.status, body: readJson(text) };
    } catch {
      return { status: 0, body: 'no answer' };
    }
  }

  const askToken = (secret = 'kelid$2a$10.secret') =>
    fetch(`${simulators.url}/codeswholesale/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'kelid', client_secret: secret }),
    });
  return {
    ...simulators,
    call,
    askToken,
    async cw(method: string, path: string, body?: unknown): Promise<Heard> {
      const { access_token: token } = Token.parse(await (await askToken()).json());
      return call(method, `/codeswholesale/v3${path}`, { headers: { authorization: `Bearer ${token}` }, body });
    },
    kinguin: (method: string, path: string, body?: unknown): Promise<Heard> =>
      call(method, `/kinguin/esa/api${path}`, { headers: { 'x-api-key': 'kelid-simulator' }, body }),
    sell: (supplier: string, ref: string, product: { price: string; stock: number }) =>
      call('PUT', `/suppliers/${supplier}/products/${ref}`, {
        body: { name: 'Hollow Knight', platform: 'Steam', region: 'WORLDWIDE', ...product },
      }),
    setBalance: (supplier: string, cents: number) => call('PUT', `/suppliers/${supplier}/balance`, { body: { cents } }),
    report: async (supplier: string) => Report.parse((await call('GET', `/suppliers/${supplier}/orders`)).body),
    fault: (place: string, fault: Record<string, unknown>) => call('PUT', `/faults/${place}`, { body: fault }),
    faults: () => call('GET', '/faults'),
    calm: () => call('DELETE', '/faults'),
  };
}
export type TestSuppliers = Awaited<ReturnType<typeof startTestSuppliers>>;

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
