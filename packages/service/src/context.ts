import type { Client } from '@kelid/contracts/client';
import type { Contract, Delivered, Operation, Role } from '@kelid/contracts/contract';
import type { contracts, ServiceName } from '@kelid/contracts/all';
import type { NodePgDatabase, NodePgTransaction } from 'drizzle-orm/node-postgres';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { z } from 'zod';
import { unauthenticated } from '@kelid/contracts/common';
import type { Logger } from './log.ts';

/** Who makes a call. A guest may carry a cart; `service` is another service or a background job. */
export type Actor =
  | { kind: 'guest'; cartToken?: string | undefined }
  | { kind: 'user'; userId: string; sessionId: string; roles: Role[]; cartToken?: string | undefined }
  | { kind: 'service'; name: string };

/** Where a call came from, for limits and evidence. */
export interface Origin {
  ip: string;
  userAgent: string;
}

export type Db = NodePgDatabase<Record<string, never>>;
export type Tx = NodePgTransaction<Record<string, never>, ExtractTablesWithRelations<Record<string, never>>>;

export type Peers = { [Name in ServiceName]: Client<(typeof contracts)[Name]> };

/** What every operation, event handler and job is handed. A service adds its own parts (providers, vault) to it. */
export interface BaseContext {
  /** For single statements. Anything of two or more goes through `transaction`. */
  db: Db;
  /** One short transaction; serialization failures and deadlocks are tried again as a whole. No peer or provider may be called inside. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** After a single statement that wrote into the outbox by itself; `transaction` does this for `publish`. */
  wakeRelay(): void;
  peers: Peers;
  now(): Date;
  log: Logger;
  actor: Actor;
  origin: Origin;
  requestId: string;
  /** Ends when the caller's deadline does. */
  signal: AbortSignal;
  /** Set for operations whose contract says `idempotent`. */
  idempotencyKey: string | undefined;
  /** Headers of the answer, beside those that the contract gives. */
  answerHeaders: Record<string, string>;
}

/** The operations that a contract asks for: a missing or wrong one does not compile. */
export type OperationsOf<C extends Contract, Ctx> = {
  [Name in keyof C['operations']]: C['operations'][Name] extends Operation<infer Input, infer Output>
    ? (ctx: Ctx, input: z.output<Input>) => Promise<z.input<Output>>
    : never;
};

/** The consumers that a contract asks for: a missing one, or one of an event that it does not subscribe to, does not compile. */
export type EventsOf<C extends Contract, Ctx> = {
  [Event in C['subscribesTo'][number] as Event['type']]: (ctx: Ctx, event: Delivered<Event>) => Promise<void>;
};

/** The signed-in user of this call, or the 401 problem. */
export function requireUser(ctx: Pick<BaseContext, 'actor'>): Extract<Actor, { kind: 'user' }> {
  if (ctx.actor.kind !== 'user') throw unauthenticated();
  return ctx.actor;
}

/** Who made a call, as rows and logs name them: `user:<id>`, `service:<name>` or `guest`. */
export function actorName({ actor }: Pick<BaseContext, 'actor'>): string {
  if (actor.kind === 'guest') return 'guest';
  return actor.kind === 'user' ? `user:${actor.userId}` : `service:${actor.name}`;
}
