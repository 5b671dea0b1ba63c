import { defineConfig } from 'vitest/config';

/** The tests that `npm run test:mutation` runs again and again: none that makes a proof or starts a program. */
export default defineConfig({
  test: {
    include: [
      'packages/protocol/test/**/*.test.ts',
      'packages/verifier/test/{dpop,http,nonce,page-session,token}/*.test.ts',
      'packages/verifier/test/exchange/authenticate.test.ts',
      'packages/verifier/test/legacy/read-api-key.test.ts',
      'packages/verifier/test/proof/{curve-memory,g2-subgroup,groth16-verifier,verification-key-form}.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
