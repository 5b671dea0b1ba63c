import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The default of 5 seconds is short for random samples on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
