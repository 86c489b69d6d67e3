import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseAway } from '@kelid/service/database';
import fc from 'fast-check';

// For tests that make sequences up: what happens, how often it did, and connections that are cut in the middle of it.

const made = new Map<string, { times: number; didSomething: number }>();

/** One thing that happens. A work that answers false found nothing to do. */
export class Step<Model extends object> implements fc.AsyncCommand<Model, object> {
  readonly name: string;
  readonly isPossible: (model: Model) => boolean;
  readonly work: (model: Model) => Promise<unknown>;
  constructor(name: string, isPossible: (model: Model) => boolean, work: (model: Model) => Promise<unknown>) {
    this.name = name;
    this.isPossible = isPossible;
    this.work = work;
  }
  check = (model: Readonly<Model>) => this.isPossible(model);
  run = async (model: Model) => {
    const kind = this.name.replace(/:.*/, '').replaceAll(/\d+/g, '#');
    const count = made.get(kind) ?? { times: 0, didSomething: 0 };
    made.set(kind, count);
    count.times += 1;
    if ((await this.work(model)) !== false) count.didSomething += 1;
  };
  toString = () => this.name;
}

/** Takes one of a list by a number that was made up before the list existed. */
export const pick = <Item>(items: Item[], at: number): Item | undefined => items[at % items.length];

/**
 * Runs `MODEL_RUNS` sequences from `MODEL_SEED` (and `MODEL_PATH`, as a failure prints both); a failure prints the shortest sequence that was found for it.
 * Answers how many ran. With MODEL_RUNS given, what they were made of is printed.
 */
export async function runModel<Model extends object>(options: {
  steps: fc.Arbitrary<Step<Model>>[];
  maxSteps: number;
  runs: number;
  begin: () => Promise<Model>;
  /** What must hold once everything has come to rest. */
  end: (model: Model) => Promise<void>;
}): Promise<number> {
  const seed = Number(process.env['MODEL_SEED'] ?? 20_261_121);
  const numRuns = Number(process.env['MODEL_RUNS'] ?? options.runs);
  const path = process.env['MODEL_PATH'];
  let failedAt: number | undefined;
  await fc.assert(
    fc.asyncProperty(fc.commands(options.steps, { maxCommands: options.maxSteps, size: 'max' }), async (steps) => {
      // For a shorter sequence that fails too it is looked for a minute long.
      if (failedAt !== undefined && performance.now() - failedAt > 60_000) return;
      try {
        const model = await options.begin();
        await fc.asyncModelRun(() => ({ model, real: {} }), steps);
        await options.end(model);
      } catch (error) {
        failedAt ??= performance.now();
        throw error;
      }
    }),
    { numRuns, seed, ...(path === undefined ? {} : { path }) },
  );
  if (process.env['MODEL_RUNS'] !== undefined) {
    console.log(`${numRuns} sequences of seed ${seed}`);
    console.table(Object.fromEntries([...made].toSorted()));
  }
  return numRuns;
}

/** How many ms after its beginning some work is cut: most of it takes a few. */
export const aMoment = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 15 }), fc.nat({ max: 60 }));

export interface Cut<T> {
  answer?: T;
  /** How a call was refused in the end. */
  refusal?: { status?: number; code?: string };
  connections: number;
  /** How often it broke and was asked for again. */
  lostCount: number;
}

/**
 * Begins some work, cuts connections that many ms later, and does as clients do: who hears "come back in a moment", or that the same is
 * still at work, asks for the same again. Any other failure than a refusal is thrown.
 */
export async function throughCut<T>(
  cut: () => Promise<number>,
  afterMs: number,
  work: () => Promise<T>,
): Promise<Cut<T>> {
  const cutting = sleep(afterMs).then(cut);
  cutting.catch(() => undefined); // It is heard where it is awaited.
  for (let lostCount = 0; ; lostCount += 1) {
    try {
      const answer = await work();
      return { answer, connections: await cutting, lostCount };
    } catch (error) {
      const refusal = error as { status?: number; code?: string };
      const isPassing =
        refusal.code === 'service-unavailable' || refusal.code === 'idempotency-key-running' || isDatabaseAway(error);
      if (!isPassing && refusal.status !== undefined && refusal.status !== 500)
        return { refusal, connections: await cutting, lostCount };
      if (!isPassing || lostCount > 200) throw error;
      await cutting;
      await sleep(10);
    }
  }
}
