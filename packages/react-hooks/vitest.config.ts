import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // In this order: React and the testing library look for the document when they are loaded.
    setupFiles: ['test/dom.ts', 'test/cleanup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine may need longer than the one second of the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
