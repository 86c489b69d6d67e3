import { setTimeout as sleep } from 'node:timers/promises';
import type { BaseContext } from './context.ts';
import type { Sweep } from './define-service.ts';
import type { Hosted, HostedCalls } from './hosted-calls.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Runs one sweep once; answers how many rows it moved. */
export async function runSweep(
  calls: HostedCalls,
  metrics: Metrics,
  service: Hosted,
  sweep: Sweep<BaseContext>,
): Promise<number> {
  const count = await sweep.run(calls.ownContext(service));
  if (count > 0) metrics.sweptRows.inc({ service: service.definition.contract.name, sweep: sweep.name }, count);
  return count;
}

/** Runs it again and again: at once while it moves rows, else when its time has come. A failure is told and tried again. */
export function repeatSweep(run: () => Promise<number>, everyMs: number, log: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController();
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      let count = 0;
      try {
        count = await run();
      } catch (error) {
        log.warn({ err: error }, 'a sweep failed; it runs again');
      }
      if (count === 0) await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const running = loop();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
