import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // Brokers and their processes are started by the dozen.
    fileParallelism: false,
    // Brokers ask the platform every 20 seconds; a poll has to outlast that on a busy machine.
    expect: { poll: { timeout: 60_000 } },
  },
});
