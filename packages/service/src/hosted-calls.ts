import { serviceUnavailable } from '@kelid/contracts/common';
import type { BaseContext } from './context.ts';
import type { Database } from './database.ts';
import type { AnyService } from './define-service.ts';
import { peerVariable } from './host-config.ts';
import { newId } from './ids.ts';
import {
  type Call,
  type CallAnswer,
  type CallContext,
  checkAccess,
  checkIdempotencyKey,
  declaredOnly,
  parseInput,
  toProblem,
} from './invoke.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Relay } from './outbox.ts';
import { createPeers, operationOf } from './peers.ts';

/** A service that runs in this process. */
export interface Hosted {
  definition: AnyService;
  database: Database;
  /** What it adds to each context. */
  parts: object;
  relay?: Relay;
}

/** Calls operations, in this process or another, and makes the contexts that they, events and jobs are handed. */
export class HostedCalls {
  readonly services = new Map<string, Hosted>();
  readonly #options: { env: Record<string, string>; log: Logger; metrics: Metrics; remoteCall: Call };
  #inFlight = 0;

  constructor(options: { env: Record<string, string>; log: Logger; metrics: Metrics; remoteCall: Call }) {
    this.#options = options;
  }

  /** Calls of services of this process that have not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  readonly call: Call = async (serviceName, operationName, input, context) => {
    const { env, remoteCall } = this.#options;
    const service = this.services.get(serviceName);
    if (service) return this.#callHere(service, operationName, input, context);
    if (!env[peerVariable(serviceName)]) throw serviceUnavailable({ retryAfterSeconds: 30 });
    return remoteCall(serviceName, operationName, input, context);
  };

  /** As this service, or the host itself under this name, calls by itself. */
  contextOf(name: string): CallContext {
    return {
      actor: { kind: 'service', name },
      origin: { ip: '127.0.0.1', userAgent: `kelid/${name}` },
      requestId: newId(),
      signal: AbortSignal.timeout(60_000),
    };
  }

  /** For an event or a job of this service. */
  ownContext(service: Hosted): BaseContext {
    const name: string = service.definition.contract.name;
    const context = this.contextOf(name);
    return this.#makeContext(
      service,
      context,
      this.#options.log.child({ service: name, requestId: context.requestId }),
    );
  }

  async #callHere(service: Hosted, operationName: string, input: unknown, context: CallContext): Promise<CallAnswer> {
    const { log, metrics } = this.#options;
    const serviceName: string = service.definition.contract.name;
    const operation = operationOf(serviceName, operationName);
    const startedAt = performance.now();
    const callLog = log.child({ service: serviceName, operation: operationName, requestId: context.requestId });
    let status = 200;
    this.#inFlight += 1;
    try {
      checkAccess(operation, context.actor);
      checkIdempotencyKey(operation, context.idempotencyKey);
      const parsed = parseInput(operation, input);
      const ctx = this.#makeContext(service, context, callLog);
      const run = service.definition.operations[operationName] as (
        ctx: BaseContext,
        input: unknown,
      ) => Promise<unknown>;
      const output: unknown = operation.output.parse(await run(ctx, parsed));
      status = operation.status;
      return { output, headers: ctx.answerHeaders };
    } catch (error) {
      const problem = declaredOnly(operation, toProblem(error, callLog, context.signal), callLog);
      status = problem.status;
      throw problem;
    } finally {
      this.#inFlight -= 1;
      const durationMs = performance.now() - startedAt;
      metrics.operationSeconds.observe(
        { service: serviceName, operation: operationName, status: String(status) },
        durationMs / 1000,
      );
      callLog.debug({ status, durationMs: Math.round(durationMs * 10) / 10, actor: context.actor.kind }, 'call');
    }
  }

  #makeContext(service: Hosted, context: CallContext, log: Logger): BaseContext {
    const name: string = service.definition.contract.name;
    const { actor, origin, requestId, signal, idempotencyKey } = context;
    return {
      ...service.parts,
      db: service.database.db,
      transaction: (work) => service.database.transaction(work),
      wakeRelay: () => service.relay?.wake(),
      peers: createPeers(this.call, { actor: { kind: 'service', name }, origin, requestId, signal }),
      now: () => new Date(),
      log,
      actor,
      origin,
      requestId,
      signal,
      idempotencyKey,
      answerHeaders: {},
    };
  }
}
