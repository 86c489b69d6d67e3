import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkInvariants } from './back-room.ts';
import { type CrashWorld, crashPoints, crashRound, crashRounds, outages, startCrashWorld } from './crash.ts';

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld(20_261_119);
}, 300_000);
afterAll(() => world?.shop.close());

test('F1 CP18: killed in the middle of its migrations, in databases of any older step, the shop opens at the next start', async () => {
  expect(world.hasDiedInMigrations).toBe(true);
  expect(world.shop.hasEnded('server')).toBe(false);
  expect(await checkInvariants(world.shop)).toEqual([]);
});

test('every crash point is in a round', () => {
  expect(crashRounds.flat()).toEqual(Object.keys(crashPoints));
});

test.each(crashRounds.map((points) => [points.join(', '), points] as const))(
  'F1 OR-6 OR-7 I1 I5 I6 I14 I20 %s: killed there under load, one after the other, and started again, the shop loses nothing and does nothing twice',
  async (_name, points) => {
    const report = await crashRound(world, points, 20_261_120);
    expect(report.problems).toEqual([]);
    expect(report.hasDied).toBe(true);
  },
  600_000,
);

test.each(Object.keys(outages))(
  '%s under load: shoppers are told to come back in a moment, the server stays up, and nothing is lost or done twice',
  async (outage) => {
    const report = await crashRound(world, [outage], 20_261_121);
    expect(report.problems).toEqual([]);
    expect(report.hasDied).toBe(false);
    expect(report.awayCount).toBeGreaterThan(0);
  },
  600_000,
);
