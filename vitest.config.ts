import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      '{charts,installer,images}/test/**/*.test.ts',
      'e2e/**/*.test.ts',
      'conformance/*.test.ts',
    ],
    // One installation in a cluster, step by step: npm run e2e:kubernetes.
    exclude: ['e2e/kubernetes/**'],
    globalSetup: './packages/store/test/global-setup.ts',
    pool: 'forks',
    // Most of the time is spent waiting for processes, so even a small machine has room for two files at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Whole systems on a machine that others use too: one that was starved of time gets a second chance, and is shown as retried.
    retry: process.env.CI ? 1 : 0,
  },
});
