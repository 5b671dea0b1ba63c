import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // In this order: React and the testing library look for the document when they are loaded.
    setupFiles: ['test/dom.ts', 'test/cleanup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
