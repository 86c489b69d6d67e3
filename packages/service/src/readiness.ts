import { setTimeout as sleep } from 'node:timers/promises';

/** What a process needs, by name, and whether each answers. */
export interface Readiness {
  isReady: boolean;
  isClosing: boolean;
  parts: Record<string, 'ready' | 'away'>;
}

/** Something that a process has; it is not ready without what it needs. */
export interface Need {
  name: string;
  isNeeded: boolean;
  answer: Promise<unknown>;
}

const patienceMs = 1_000;

export async function readinessOf(needs: Need[], isLeaving: boolean): Promise<Readiness> {
  const parts: Readiness['parts'] = {};
  let isReady = !isLeaving;
  await Promise.all(
    needs.map(async ({ name, isNeeded, answer }) => {
      const isThere = await answersInTime(answer);
      parts[name] = isThere ? 'ready' : 'away';
      if (isNeeded && !isThere) isReady = false;
    }),
  );
  return { isReady, isClosing: isLeaving, parts };
}

function answersInTime(answer: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    answer.then(
      () => true,
      () => false,
    ),
    sleep(patienceMs, false, { ref: false }),
  ]);
}
