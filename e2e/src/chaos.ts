import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type CrashWorld, crashRound, crashRounds, startCrashWorld, workersPoint } from './crash.ts';

// `npm run chaos -- --rounds 20 --seed 7`: every crash point, many seeds, a few points one after the other under one load. A failing one prints the seed that repeats it.
// Each seed has a shop of its own, which was killed in the middle of its migrations (CP18) before it is killed anywhere else.
// The bank and the suppliers fail at random, connections are cut and commands run beside it; `--calm` leaves that out.
// `--point CP8` is one point alone, `--point CP13,CP15` one after the other; with `--point workers` two processes of the background work die at random instead.
// `--stay` stops at the first broken round and leaves its shop open, for whoever wants to look into its databases.
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    point: { type: 'string' },
    calm: { type: 'boolean', default: false },
    stay: { type: 'boolean', default: false },
  },
});
const rounds = values.point === undefined ? crashRounds : [values.point.split(',')];
const sums = new Map<string, { held: number; rounds: number; purchases: number; seconds: number }>();
let world: CrashWorld | undefined;
let isLeaving = false;
// Ctrl-C leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isLeaving = true;
    summarize();
    void world?.shop.close().finally(() => process.exit(1));
  });

for (let round = 0; round < Number(values.rounds); round += 1) {
  const seed = Number(values.seed) + round * 1_000;
  const startedAt = performance.now();
  world = await startCrashWorld(seed, values.point === workersPoint ? 2 : 0);
  await say('CP18', seed, startedAt, {
    problems: world.hasDiedInMigrations ? [] : ['the point was not reached'],
    purchaseCount: 0,
    text: 'killed in its migrations and started again, the shop opens',
  });
  for (const points of rounds) {
    const pointAt = performance.now();
    const isStormy = !values.calm && values.point !== workersPoint;
    const { cutCount, commandCount, ...report } = await crashRound(world, points, seed, { isStormy }).catch(brokenBy);
    const text = `${report.purchaseCount} purchases, ${cutCount} connections cut, ${commandCount} commands`;
    await say(points.join(', '), seed, pointAt, { ...report, text });
  }
  await world.shop.close();
}
summarize();
process.exitCode = [...sums.values()].some(({ held, rounds }) => held < rounds) ? 1 : 0;

async function say(
  point: string,
  seed: number,
  startedAt: number,
  report: { problems: string[]; purchaseCount: number; text: string },
): Promise<void> {
  const seconds = (performance.now() - startedAt) / 1_000;
  const holds = report.problems.length === 0;
  console.log(`${point} seed ${seed}: ${holds ? 'holds' : 'BROKEN'}, ${report.text}, ${seconds.toFixed(1)} s`);
  for (const problem of report.problems) console.log(`  ${problem}`);
  const sum = sums.get(point) ?? { held: 0, rounds: 0, purchases: 0, seconds: 0 };
  sums.set(point, {
    held: sum.held + (holds ? 1 : 0),
    rounds: sum.rounds + 1,
    purchases: sum.purchases + report.purchaseCount,
    seconds: sum.seconds + seconds,
  });
  if (!values.stay || holds) return;
  console.log(`  its databases: ${world?.shop.adminUrl}, its logs: ${world?.shop.folder}/logs`);
  for (;;) await sleep(60_000);
}

/** A round that ended by an error shows no promise kept. */
async function brokenBy(error: unknown) {
  if (isLeaving) await sleep(600_000); // The shop was taken away under it.
  return { problems: [String(error)], purchaseCount: 0, cutCount: 0, commandCount: 0 };
}

function summarize(): void {
  for (const [point, { held, rounds, purchases, seconds }] of sums)
    console.log(`${point}: ${held} of ${rounds} rounds held, ${purchases} purchases, ${seconds.toFixed(0)} s`);
}
