import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: 'packages/testing/src/global-setup.ts',
    include: ['{packages,services,apps,simulators,scripts}/**/*.test.ts', 'e2e/src/{crash,topology}.test.ts'],
    exclude: ['**/node_modules/**', '**/.next/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
