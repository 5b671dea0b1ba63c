/**
 * `npm run test:mutation`: docs/mutation-testing.md says what it is for, and lists what survives.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './scripts/lib/stryker-error-texts.mjs'],
  // Texts, hints and causes of errors are for people. Codes stay: callers switch on them.
  ignorers: ['error-texts'],
  vitest: { configFile: 'vitest.mutation.config.ts' },
  mutate: [
    'packages/protocol/src/**/*.ts',
    'packages/verifier/src/{dpop,nonce,token}/*.ts',
    'packages/verifier/src/exchange/authenticate.ts',
    'packages/verifier/src/http/{read-body,prf-results}.ts',
    'packages/verifier/src/legacy/read-api-key.ts',
    'packages/verifier/src/page-session/page-cookie.ts',
    'packages/verifier/src/proof/{verification-key,groth16-mcl,curve-memory}.ts',
  ],
  // What the tests read, and no more, is copied to where the mutants live.
  ignorePatterns: [
    '/*',
    '!/packages',
    '/packages/*',
    '!/packages/protocol',
    '!/packages/verifier',
    'dist',
    '!/docs',
    '!/circuits',
    '!/package.json',
    '!/tsconfig.base.json',
    '!/vitest.mutation.config.ts',
  ],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Generous: on a busy machine a slow test must not count as a mutant found.
  timeoutMS: 30_000,
  thresholds: { high: 95, low: 90, break: 85 },
  incremental: true,
  incrementalFile: '.cache/mutation/incremental.json',
  tempDirName: '.cache/mutation/sandbox',
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { logTests: false, allowColor: false, reportTests: false },
  htmlReporter: { fileName: '.cache/mutation/report.html' },
  jsonReporter: { fileName: '.cache/mutation/report.json' },
};
