import { waitFor } from '@kelid/testing/start-service';
import { createTestQueueDatabase } from '@kelid/testing/test-postgres';
import { expect, onTestFinished, test } from 'vitest';
import { newId } from './ids.ts';
import { createLogger } from './log.ts';
import { openQueues } from './queue.ts';
import { setAway } from './test-services.ts';

test('I14 F9: queues whose very first calls found their database away send and work as soon as it is back', async () => {
  const database = await createTestQueueDatabase();
  onTestFinished(() => database.drop());
  const store = { kind: 'postgres', url: database.ownerUrl, poolMax: 4 } as const;
  const queues = await openQueues(store, createLogger({ level: 'silent' }));
  onTestFinished(() => queues.close());
  const event = { id: newId(), type: 'order.placed', data: {} } as never;
  const handled: unknown[] = [];
  const isSent = () =>
    queues.add('notifications', [event]).then(
      () => true,
      () => false,
    );

  await setAway(database.ownerUrl, true);
  expect(await isSent()).toBe(false);
  await setAway(database.ownerUrl, false);
  await waitFor('the store', isSent);

  await setAway(database.ownerUrl, true);
  queues.work('notifications', 1, async (taken) => void handled.push(taken));
  await expect(queues.hasMark('a mark')).rejects.toThrow();
  await setAway(database.ownerUrl, false);
  await waitFor('the event', async () => handled.length > 0);
  expect(handled).toEqual([event]);
});
