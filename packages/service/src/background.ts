import { deliver } from './define-service.ts';
import type { EventEnvelope } from './event-envelope.ts';
import type { HostConfig } from './host-config.ts';
import type { Hosted, HostedCalls } from './hosted-calls.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { startRelay } from './outbox.ts';
import { type EventQueues, openQueues } from './queue.ts';
import { repeatSweep, runSweep } from './sweeps.ts';

/** What runs without being called: relays of events, their consumers, and sweeps. */
export interface Background {
  queues: EventQueues;
  /** Lets what runs finish. */
  stop(): Promise<void>;
}

export async function startBackground(options: {
  calls: HostedCalls;
  config: HostConfig;
  log: Logger;
  metrics: Metrics;
}): Promise<Background> {
  const { calls, config, log, metrics } = options;
  const services = [...calls.services.values()];
  const queues = await openQueues(
    config.REDIS_URL
      ? { kind: 'redis', url: config.REDIS_URL }
      : { kind: 'postgres', url: config.QUEUE_DATABASE_URL ?? '', poolMax: 12 },
    log,
    config.WORKER_LOCK_MS,
  );
  const handle = (service: Hosted, event: EventEnvelope) => handleEvent(calls, metrics, service, event);
  // Between services of one process an event needs no queue; the outbox row is kept until its consumers are done.
  const deliverHere = (consumer: string, event: EventEnvelope) => {
    const service = calls.services.get(consumer);
    return service && hasConsumers(service) ? handle(service, event) : undefined;
  };
  const sweeps: { stop(): Promise<void> }[] = [];
  for (const service of services) {
    const name: string = service.definition.contract.name;
    const relay = startRelay(service.database.db, queues, log.child({ service: name }), deliverHere);
    service.relay = relay;
    service.database.onPublish(() => relay.wake());
    if (hasConsumers(service)) queues.work(name, config.WORKER_CONCURRENCY, (event) => handle(service, event));
    for (const sweep of service.definition.sweeps ?? [])
      sweeps.push(
        repeatSweep(
          () => runSweep(calls, metrics, service, sweep),
          sweep.everyMs,
          log.child({ service: name, job: sweep.name }),
        ),
      );
  }
  return {
    queues,
    async stop() {
      await Promise.all(sweeps.map((sweep) => sweep.stop()));
      await Promise.all(services.flatMap((service) => service.relay?.stop() ?? []));
      await queues.close();
    },
  };
}

function hasConsumers({ definition }: Hosted): boolean {
  return Object.keys(definition.events).length > 0;
}

async function handleEvent(calls: HostedCalls, metrics: Metrics, service: Hosted, event: EventEnvelope): Promise<void> {
  const name: string = service.definition.contract.name;
  const stop = metrics.eventSeconds.startTimer({ service: name, event: event.type });
  try {
    await deliver(service.definition, calls.ownContext(service), event);
    stop({ outcome: 'done' });
  } catch (error) {
    stop({ outcome: 'failed' });
    throw error;
  }
}
