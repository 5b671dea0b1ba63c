import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { defineConfig } from 'vitest/config';

// The tests of the hooks as they are, with React 18 in the place of the workspace's React.
const require = createRequire(import.meta.url);
const { version } = require('react/package.json') as { version: string };
if (!version.startsWith('18.')) throw new Error(`React ${version} stands where 18 should.`);
const replaced = [
  'react',
  'react/jsx-runtime',
  'react/jsx-dev-runtime',
  'react-dom',
  'react-dom/client',
  'react-dom/server',
  'react-dom/test-utils',
];
const libraryUrl = pathToFileURL(require.resolve('@testing-library/react/package.json'));
const hooks = fileURLToPath(new URL('../../packages/react-hooks', import.meta.url));

export default defineConfig({
  root: hooks,
  resolve: {
    alias: [
      ...replaced.map((name) => ({
        find: new RegExp(`^${name}$`),
        replacement: require.resolve(name),
      })),
      // Its CommonJS form would require the workspace's React, where no alias reaches.
      {
        find: /^@testing-library\/react$/,
        replacement: fileURLToPath(new URL('dist/@testing-library/react.esm.js', libraryUrl)),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/dom.ts', 'test/cleanup.ts'],
    server: { deps: { inline: [/@testing-library/] } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine may need longer than the one second of the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
