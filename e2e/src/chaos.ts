import { parseArgs } from 'node:util';
import { crashInMigrations, crashOnce, crashPoints, migrationsPoint, startCrashWorld, workersPoint } from './crash.ts';

// `npm run chaos -- --rounds 20 --seed 7`: every crash point, many seeds. A failing one prints the seed that repeats it.
// The bank and the suppliers fail at random, connections are cut and commands run beside it; `--calm` leaves that out.
// With `--point workers` two processes of the background work die at random while suppliers fail at random.
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    point: { type: 'string' },
    calm: { type: 'boolean', default: false },
  },
});
const points = values.point === undefined ? [...Object.keys(crashPoints), migrationsPoint] : [values.point];
const world = await startCrashWorld(values.point === workersPoint ? 2 : 0);
// Ctrl-C leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void world.shop.close().finally(() => process.exit(1)));
let failureCount = 0;
try {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const point of points) {
      const seed = Number(values.seed) + round * 1_000;
      const startedAt = performance.now();
      const report =
        point === migrationsPoint
          ? await crashInMigrations(seed)
          : await crashOnce(world, point, seed, { isStormy: !values.calm && point !== workersPoint });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(
        `${point} seed ${seed}: ${report.problems.length === 0 ? 'holds' : 'BROKEN'}, ${report.purchaseCount} purchases, ${report.cutCount} connections cut, ${report.commandCount} commands, ${seconds} s`,
      );
      for (const problem of report.problems) console.log(`  ${problem}`);
      failureCount += report.problems.length;
    }
  }
} finally {
  await world.shop.close();
}
process.exitCode = failureCount > 0 ? 1 : 0;
