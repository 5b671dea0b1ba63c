import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    pool: 'forks',
    // Brokers and their processes are started by the dozen.
    fileParallelism: false,
    expect: { poll: { timeout: 20_000 } },
  },
});
