import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/{purchase,browser,canary}.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    // A machine may be busy; what never comes costs a red test half a minute.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
