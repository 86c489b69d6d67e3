import type { z } from 'zod';
import { type CallOptions, requestOf } from '@kelid/contracts/address';
import type { contracts, ServiceName } from '@kelid/contracts/all';
import type { generalProblems } from '@kelid/contracts/common';
import type { DeclaredProblem, Operation } from '@kelid/contracts/contract';

type Operations = { [Service in ServiceName]: (typeof contracts)[Service]['operations'] };
type RouteOf<Called> =
  Called extends Pick<Operation, 'method' | 'path'> ? `${Called['method']} ${Called['path']}` : never;

/**
 * The operations that pages call. The schemas stay on the server, where every answer was checked, so that a phone need not load them; that
 * each line is its contract's is checked by the compiler.
 */
const routes = {
  identity: {
    requestOtp: 'POST /auth/otp/request',
    verifyOtp: 'POST /auth/otp/verify',
    logout: 'POST /auth/logout',
    createWsTicket: 'POST /ws/ticket',
  },
  catalog: { suggest: 'GET /search/suggest' },
  orders: {
    getCart: 'GET /cart',
    addCartItem: 'POST /cart/items',
    updateCartItem: 'PATCH /cart/items/{itemId}',
    deleteCartItem: 'DELETE /cart/items/{itemId}',
    putCartCoupon: 'PUT /cart/coupon',
    deleteCartCoupon: 'DELETE /cart/coupon',
    checkout: 'POST /checkout',
    listOrders: 'GET /orders',
    getOrder: 'GET /orders/{orderId}',
    cancelOrder: 'POST /orders/{orderId}/cancel',
    payOrder: 'POST /orders/{orderId}/pay',
  },
  inventory: {
    listOrderKeys: 'GET /orders/{orderId}/keys',
    revealKey: 'POST /orders/{orderId}/keys/{keyId}/reveal',
    reportKey: 'POST /orders/{orderId}/keys/{keyId}/complaint',
    checkGameAccount: 'POST /game-accounts/check',
  },
  payments: {
    listPaymentMethods: 'GET /payments/methods',
    getPaymentLimits: 'GET /payments/limits',
    getOrderPayments: 'GET /payments/order/{orderId}',
    getTransfer: 'GET /payments/transfers/{attemptId}',
    submitTransfer: 'PUT /payments/transfers/{attemptId}',
    getWallet: 'GET /wallet',
    listWalletEntries: 'GET /wallet/entries',
    topUpWallet: 'POST /wallet/top-up',
    listBankAccounts: 'GET /wallet/bank-accounts',
    addBankAccount: 'POST /wallet/bank-accounts',
    listWithdrawals: 'GET /wallet/withdrawals',
    requestWithdrawal: 'POST /wallet/withdrawals',
    cancelWithdrawal: 'POST /wallet/withdrawals/{withdrawalId}/cancel',
  },
} as const satisfies {
  [Service in ServiceName]?: { [Name in keyof Operations[Service]]?: RouteOf<Operations[Service][Name]> };
};

/** What the shop's own origin answered: the value of a success, or the problem; `other` where no problem came, with status 0 for no answer. */
export type Answer<Value, Problem extends DeclaredProblem = DeclaredProblem> =
  | { ok: true; value: Value }
  | (Problem extends DeclaredProblem
      ? { ok: false; code: Problem['code']; status: number; data: z.output<Problem['data']> }
      : never)
  | { ok: false; code: 'other'; status: number; data: object };

type General = ReturnType<typeof generalProblems>[number];
type Call<Called> =
  Called extends Operation<infer Input, infer Output, infer Problem>
    ? (input: z.input<Input>, options?: CallOptions) => Promise<Answer<z.output<Output>, Problem | General>>
    : never;
type Shop = {
  [Service in keyof typeof routes]: {
    [Name in keyof (typeof routes)[Service]]: Call<Operations[Service][Name & keyof Operations[Service]]>;
  };
};
/** What an operation answers when all is well. */
export type ValueOf<Operation extends (...given: never[]) => Promise<unknown>> = Extract<
  Awaited<ReturnType<Operation>>,
  { ok: true }
>['value'];

async function send(route: string, input: Record<string, unknown>, options?: CallOptions): Promise<Answer<unknown>> {
  const [method = '', address = ''] = route.split(' ');
  try {
    const { path, init } = requestOf({ method, path: address }, input, options);
    const response = await fetch(path, { ...init, cache: 'no-store' });
    const text = await response.text();
    const value = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return { ok: true, value };
    return {
      ok: false,
      code: typeof value?.code === 'string' ? value.code : 'other',
      status: response.status,
      data: value ?? {},
    };
  } catch {
    return { ok: false, code: 'other', status: 0, data: {} };
  }
}

/** The API on the shop's own origin, by the names of its operations. */
export const shop = makeShop();

function makeShop(): Shop {
  const made: Record<string, Record<string, unknown>> = {};
  for (const [service, own] of Object.entries(routes)) {
    const calls: Record<string, unknown> = (made[service] = {});
    for (const [name, route] of Object.entries(own))
      calls[name] = (input: Record<string, unknown>, options?: CallOptions) => send(route, input, options);
  }
  return made as unknown as Shop; // Every route has just been given its function.
}
