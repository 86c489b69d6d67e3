import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: 'packages/testing/src/global-setup.ts',
    include: ['{packages,services,apps,simulators,scripts}/**/*.test.ts', 'e2e/src/{crash,topology}.test.ts'],
    exclude: ['**/node_modules/**', '**/.next/**'],
    pool: 'forks',
    maxWorkers: 2,
    // A machine may be busy; what never comes costs a red test half a minute.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
