import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Part {
  name: string;
  start(): ChildProcess;
  /** Resolves when this child does its work, rejects when it ended first. */
  answers(child: ChildProcess): Promise<void>;
}

const endingsMax = 5;
const withinMs = 60_000;

/** Starts a part again each time it ends by itself, and says so. One that does not stay up is given up, loudly. */
export function keepRunning(
  part: Part,
  child: ChildProcess,
  tools: { say(line: string): void; isStopping(): boolean; giveUp(): void },
  endings: number[] = [],
): void {
  child.once('exit', (code, signal) => void again(code ?? signal));

  async function again(end: unknown): Promise<void> {
    if (tools.isStopping()) return;
    const recent = [...endings.filter((at) => performance.now() - at < withinMs), performance.now()];
    if (recent.length > endingsMax) {
      tools.say(`${part.name} ends again and again (${String(end)}); the whole shop is stopped.`);
      return tools.giveUp();
    }
    tools.say(`${part.name} has ended by itself (${String(end)}); it is started again.`);
    await sleep((recent.length - 1) * 200);
    if (tools.isStopping()) return;
    const next = part.start();
    keepRunning(part, next, tools, recent);
    await part.answers(next).then(
      () => tools.say(`${part.name} answers again.`),
      () => undefined, // Its end is heard above.
    );
  }
}
