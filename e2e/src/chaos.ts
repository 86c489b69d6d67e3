import { parseArgs } from 'node:util';
import { crashOnce, crashPoints, startCrashWorld, workersPoint } from './crash.ts';

// `npm run chaos -- --rounds 20 --seed 7`: every crash point, many seeds. A failing one prints the seed that repeats it.
// With `--point workers` two processes of the background work die at random while suppliers fail at random.
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    point: { type: 'string' },
  },
});
const points = values.point === undefined ? Object.keys(crashPoints) : [values.point];
const world = await startCrashWorld(values.point === workersPoint ? 2 : 0);
// Ctrl-C leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void world.shop.close().finally(() => process.exit(1)));
let failureCount = 0;
try {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const point of points) {
      const seed = Number(values.seed) + round * 1_000;
      const report = await crashOnce(world, point, seed);
      console.log(
        `${point} seed ${seed}: ${report.problems.length === 0 ? 'holds' : 'BROKEN'}, ${report.purchaseCount} purchases${report.hasDied ? '' : ', the point was not reached'}`,
      );
      for (const problem of report.problems) console.log(`  ${problem}`);
      failureCount += report.problems.length;
    }
  }
} finally {
  await world.shop.close();
}
process.exitCode = failureCount > 0 ? 1 : 0;
