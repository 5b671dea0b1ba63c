import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // A busy machine may need longer than the one second of the default.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
  },
});
