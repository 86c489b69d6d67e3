import { setTimeout as sleep } from 'node:timers/promises';
import { contracts, type ServiceName } from '@kelid/contracts/all';
import { serviceUnavailable } from '@kelid/contracts/common';
import { type Contract, type Operation, ProblemError } from '@kelid/contracts/contract';
import type { CallOptions } from '@kelid/contracts/address';
import type { Client } from '@kelid/contracts/client';
import { Breaker } from './breaker.ts';
import type { Peers } from './context.ts';
import { assertNoTransaction } from './database.ts';
import type { Call, CallAnswer, CallContext } from './invoke.ts';
import { signServiceToken } from './service-token.ts';

/** Calls a service in another process: signed identity, deadline, one retry of what may be repeated, breaker. */
export function createRemoteCall(options: { urlOf(service: string): string; secret: Uint8Array }): Call {
  const breakers = new Map<string, Breaker>();

  return async (service, operationName, input, context) => {
    const operation = operationOf(service, operationName);
    const breaker = breakers.get(service) ?? new Breaker();
    breakers.set(service, breaker);
    // Only reads and calls that carry a key of their own effect may be sent again without knowing what came of the first.
    const triesMax = operation.method === 'GET' || context.idempotencyKey !== undefined ? 2 : 1;
    for (let attempt = 1; ; attempt += 1) {
      if (!breaker.tryEnter()) throw serviceUnavailable({ retryAfterSeconds: 5 }, `${service} does not answer`);
      try {
        const answer = await send(service, operationName, input, context);
        breaker.succeed();
        return answer;
      } catch (error) {
        if (error instanceof ProblemError && error.status < 500) {
          breaker.succeed();
          throw error;
        }
        if (isHungUp(context.signal)) breaker.forget();
        else breaker.fail();
        if (attempt >= triesMax || context.signal.aborted) {
          throw error instanceof ProblemError
            ? error
            : serviceUnavailable({ retryAfterSeconds: 2 }, `${service} does not answer`);
        }
        await sleep(50 + Math.random() * 200);
      }
    }
  };

  async function send(
    service: string,
    operationName: string,
    input: unknown,
    context: CallContext,
  ): Promise<CallAnswer> {
    const token = await signServiceToken(options.secret, service, { actor: context.actor, origin: context.origin });
    const response = await fetch(`${options.urlOf(service)}/rpc/${service}/${operationName}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-request-id': context.requestId,
        ...(context.idempotencyKey === undefined ? {} : { 'idempotency-key': context.idempotencyKey }),
      },
      body: JSON.stringify(input),
      signal: context.signal,
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw ProblemError.fromBody(body, response.status);
    return body as CallAnswer; // The other side of this wire is our own host, which answers just this shape.
  }
}

/** The caller went away by itself; its deadline running out is the other side's fault. */
function isHungUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof Error && reason.name === 'TimeoutError');
}

/** Typed clients of other services for a context: each call goes out as this service, within the caller's deadline. */
export function createPeers(call: Call, base: CallContext, timeoutMs?: number): Peers {
  const clients: Record<string, unknown> = {};
  for (const contract of Object.values(contracts))
    clients[contract.name] = createClient(contract, call, base, timeoutMs);
  return clients as Peers; // Every contract has just been given its client.
}

/** A typed client of one service, calling as whoever `base` says, with the internal deadlines unless others are given. */
export function createClient<C extends Contract>(
  contract: C,
  call: Call,
  base: CallContext,
  timeoutMs?: number,
): Client<C> {
  const client: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(contract.operations)) {
    client[name] = async (input: unknown, options?: CallOptions) => {
      assertNoTransaction(`${contract.name}.${name}`);
      // Internal deadlines: 1 s to read, 3 s to write, unless the operation itself waits for a bank.
      const deadlineMs = timeoutMs ?? (operation.method === 'GET' ? 2_000 : 10_000);
      const signals = [base.signal, AbortSignal.timeout(deadlineMs), ...(options?.signal ? [options.signal] : [])];
      const answer = await call(contract.name, name, input, {
        ...base,
        signal: AbortSignal.any(signals),
        idempotencyKey: options?.idempotencyKey,
      });
      return answer.output;
    };
  }
  return client as Client<C>; // Every operation of the contract has just been given its function.
}

export function operationOf(service: string, operationName: string): Operation {
  const contract: Contract | undefined = contracts[service as ServiceName];
  const operation = contract?.operations[operationName];
  if (!operation) throw new Error(`There is no operation ${service}.${operationName}`);
  return operation;
}
