import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { keepRunning, type Part } from './parts.ts';

/** A part that lives until it is killed, or ends at once. */
function partThat(lives: boolean): Part & { children: ChildProcess[] } {
  const children: ChildProcess[] = [];
  return {
    name: 'pages',
    children,
    start() {
      const child = spawn(process.execPath, ['-e', lives ? 'setInterval(() => {}, 1000)' : '']);
      children.push(child);
      return child;
    },
    answers: async (child) => void (await once(child, 'spawn')),
  };
}

test('PL-23: a part of the shop that is killed is said and started again, and not when the shop is stopping', async () => {
  const part = partThat(true);
  const said: string[] = [];
  let isStopping = false;
  const giveUp = vi.fn();
  keepRunning(part, part.start(), { say: (line) => said.push(line), isStopping: () => isStopping, giveUp });
  part.children[0]?.kill('SIGKILL');
  await vi.waitFor(() => expect(said).toHaveLength(2), 20_000);
  expect(said).toEqual(['pages has ended by itself (SIGKILL); it is started again.', 'pages answers again.']);
  isStopping = true;
  const [, second] = part.children;
  const ended = once(second ?? process, 'exit');
  second?.kill('SIGTERM');
  await ended;
  expect([part.children.length, said.length, giveUp.mock.calls.length]).toEqual([2, 2, 0]);
});

test('a part that does not stay up is given up after five tries, and the whole shop says so', async () => {
  const part = partThat(false);
  const said: string[] = [];
  const hasGivenUp = Promise.withResolvers<void>();
  keepRunning(part, part.start(), {
    say: (line) => said.push(line),
    isStopping: () => false,
    giveUp: hasGivenUp.resolve,
  });
  await hasGivenUp.promise;
  expect(part.children).toHaveLength(6);
  expect(said.at(-1)).toBe('pages ends again and again (0); the whole shop is stopped.');
});
