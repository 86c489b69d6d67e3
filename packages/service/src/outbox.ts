import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { contracts } from '@kelid/contracts/all';
import type { Db, Tx } from './context.ts';
import { markPublished } from './database.ts';
import type { EventEnvelope } from './event-envelope.ts';
import { failpoint } from './failpoint.ts';
import { newId } from './ids.ts';
import type { Logger } from './log.ts';
import { pruneTechnicalTables } from './prune.ts';
import type { EventQueues } from './queue.ts';
import { outbox } from './tables.ts';

/** Writes an event in the transaction of the state it tells of. It is sent at least once after the commit, never without it. */
export async function publish(tx: Tx, ...events: { type: string; data: unknown }[]): Promise<void> {
  markPublished();
  await tx.insert(outbox).values(events.map((event) => ({ id: newId(), type: event.type, data: event.data })));
}

/** Which services want an event, by the contracts' own lists. */
const subscribers = new Map<string, string[]>();
for (const contract of Object.values(contracts)) {
  for (const { type } of contract.subscribesTo)
    subscribers.set(type, [...(subscribers.get(type) ?? []), contract.name]);
}

/** Fewer when consumers of this process do the work at once: their database connections are few. */
function batchSize(deliverHere: DeliverHere | undefined): number {
  return deliverHere ? 40 : 200;
}

/** Hands an event to a consumer that this process hosts; undefined when it hosts none. */
export type DeliverHere = (consumer: string, event: EventEnvelope) => Promise<void> | undefined;

/** Well inside the lease: a consumer that takes longer hears of the event once more, from the queue. */
const hereMs = 5_000;

function giveUpAfter(ms: number): Promise<never> {
  return sleep(ms, undefined, { ref: false }).then(() => Promise.reject(new Error('The consumer took too long')));
}

/**
 * Moves unsent events into the queues of their subscribers. A row is claimed by a lease, not by an open transaction, since
 * the queue is another server; a relay that dies between the two leaves the row to the next one (CP10), whose second copy
 * the inbox drops.
 */
export async function relayOnce(db: Db, queues: EventQueues, deliverHere?: DeliverHere): Promise<number> {
  const claimed = await db.execute<{ id: string; type: string; data: unknown }>(sql`
    with pick as materialized (
      select id from outbox where sent_at is null and (claimed_until is null or claimed_until < now())
      order by id limit ${batchSize(deliverHere)} for update skip locked
    )
    update outbox set claimed_until = now() + interval '10 seconds' from pick where outbox.id = pick.id
    returning outbox.id, outbox.type, outbox.data`);
  if (claimed.rows.length === 0) return 0;
  failpoint('outbox.claimed');
  const byQueue = new Map<string, EventEnvelope[]>();
  const toQueue = (name: string, event: EventEnvelope) => byQueue.set(name, [...(byQueue.get(name) ?? []), event]);
  const here: Promise<void>[] = [];
  for (const row of claimed.rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const name of subscribers.get(row.type) ?? []) {
      const handled = deliverHere?.(name, row);
      if (!handled) toQueue(name, row);
      // What a consumer of this process can't take at once is the queue's: it is tried again there, and ends as a dead letter.
      else here.push(Promise.race([handled, giveUpAfter(hereMs)]).catch(() => void toQueue(name, row)));
    }
  }
  await Promise.all(here);
  await Promise.all([...byQueue].map(([name, events]) => queues.add(name, events)));
  failpoint('outbox.enqueued');
  const ids = sql.join(
    claimed.rows.map((row) => sql`${row.id}::uuid`),
    sql`, `,
  );
  await db.execute(sql`update outbox set sent_at = now() where id in (${ids})`);
  return claimed.rows.length;
}

/**
 * The queue store is a copy that may be lost (F11). When it has forgotten our mark, all that went to it in the last two days is sent
 * again, and what was handled already changes nothing, as any second copy. Answers how many events go out again.
 */
export async function resendAfterLoss(db: Db, queues: EventQueues): Promise<number> {
  const { rows } = await db.execute<{ name: string; at: string }>(
    sql`select current_database()::text as name, now()::text as at`,
  );
  const [mark] = rows;
  if (!mark || (await queues.hasMark(mark.name))) return 0;
  let resentCount = 0;
  for (;;) {
    const { rowCount } = await db.execute(sql`
      update outbox set sent_at = null, claimed_until = null
      where id in (select id from outbox where sent_at > now() - interval '2 days' and sent_at <= ${mark.at}::timestamptz limit 5000)`);
    if (!rowCount) break;
    resentCount += rowCount;
  }
  // Last, so that dying above this line repeats the whole.
  await queues.setMark(mark.name);
  return resentCount;
}

export interface Relay {
  wake(): void;
  stop(): Promise<void>;
}

/** Runs the relay after each publishing commit of this process, and every 250 ms for those of others. */
export function startRelay(db: Db, queues: EventQueues, log: Logger, deliverHere?: DeliverHere): Relay {
  let isStopped = false;
  let isAwake = false;
  let running: Promise<void> = Promise.resolve();
  let looksForLossAt = 0;
  let prunesAt = performance.now() + 60_000;

  async function drain(): Promise<void> {
    try {
      if (performance.now() >= looksForLossAt) {
        await lookForLoss();
        looksForLossAt = performance.now() + 5_000;
      }
      if (performance.now() >= prunesAt) {
        // A full batch is followed by the next soon, without holding up what is to be sent.
        prunesAt = performance.now() + ((await pruneTechnicalTables(db)) ? 1_000 : 60_000);
      }
      do {
        isAwake = false;
        while (!isStopped && (await relayOnce(db, queues, deliverHere)) === batchSize(deliverHere));
      } while (isAwake && !isStopped);
    } catch (error) {
      log.warn({ err: error }, 'the relay could not send; it tries again');
    }
  }

  /** With the store away the consumers of this process go on; nothing else can. */
  async function lookForLoss(): Promise<void> {
    try {
      const resentCount = await resendAfterLoss(db, queues);
      if (resentCount > 0)
        log.warn(
          { count: resentCount },
          'the queue store is new or was wiped; the events of the last two days are sent again',
        );
    } catch (error) {
      log.warn({ err: error }, 'the queue store could not be looked at');
    }
  }

  let isDraining = false;
  function wake(): void {
    isAwake = true;
    if (isDraining || isStopped) return;
    isDraining = true;
    running = drain().finally(() => {
      isDraining = false;
    });
  }
  const timer = setInterval(wake, 250);
  wake();
  return {
    wake,
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
