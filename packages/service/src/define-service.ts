import type { z } from 'zod';
import type { Contract } from '@kelid/contracts/contract';
import type { ServiceName } from '@kelid/contracts/all';
import type { BaseContext, EventsOf, OperationsOf } from './context.ts';
import type { EventEnvelope } from './event-envelope.ts';

/** Work that a timer starts in every RUN=jobs process: finds rows whose time has come, SKIP LOCKED, and moves them on. */
export interface Sweep<Ctx> {
  name: string;
  everyMs: number;
  /** Answers how many rows it moved; when it moved any, it is run again at once. */
  run(ctx: Ctx): Promise<number>;
}

export interface ServiceDefinition<C extends Contract, Config extends z.ZodType, Parts extends object> {
  contract: C;
  /** The services that this one calls. Each must be hosted here or have its URL, or the process does not start. */
  peers: readonly ServiceName[];
  /** Absolute path of the folder with the Drizzle migrations. */
  migrationsFolder: string;
  /** The service's own part of the environment. */
  config: Config;
  /** What the service adds to each context: providers, vault. Made once at start. */
  createParts(config: z.output<Config>, start: StartTools): Promise<Parts> | Parts;
  operations: OperationsOf<C, BaseContext & Parts>;
  /** By event type. May run twice, at once, late or out of order. */
  events: EventsOf<C, BaseContext & Parts>;
  sweeps?: readonly Sweep<BaseContext & Parts>[];
}

export interface StartTools {
  /** A context of the service itself, for work at start. */
  contextOf(): BaseContext;
  onClose(close: () => Promise<void>): void;
}

/** Any service, for the program that hosts them. */
// oxlint-disable-next-line typescript/no-explicit-any -- a host holds services of all types; each was checked where it was defined.
export type AnyService = ServiceDefinition<any, any, any>;

export function defineService<C extends Contract, Config extends z.ZodType, Parts extends object>(
  definition: ServiceDefinition<C, Config, Parts>,
): ServiceDefinition<C, Config, Parts> {
  return definition;
}

/** Hands an event to its consumer, as its schema reads it; an unreadable one throws and ends as a dead letter, while others flow on. */
export async function deliver(service: AnyService, ctx: BaseContext, event: EventEnvelope): Promise<void> {
  const contract: Contract = service.contract;
  const type = contract.subscribesTo.find((known) => known.type === event.type);
  const handle = (service.events as EventsOf<Contract, BaseContext>)[event.type];
  if (!type || !handle) throw new Error(`${contract.name} has no consumer of ${event.type}`);
  await handle(ctx, { ...event, data: type.schema.parse(event.data) });
}
