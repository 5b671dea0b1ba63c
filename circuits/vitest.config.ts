import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // circom compiles in the tests, two seconds a circuit on a slow machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
