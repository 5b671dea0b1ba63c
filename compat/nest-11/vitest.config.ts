import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The tests of the module as they are, with Nest 11 in the place of the workspace's Nest.
const require = createRequire(import.meta.url);
const { version } = require('@nestjs/common/package.json') as { version: string };
if (!version.startsWith('11.')) throw new Error(`Nest ${version} stands where 11 should.`);
const replaced = [
  'common',
  'core',
  'microservices',
  'platform-express',
  'platform-fastify',
  'testing',
];

export default defineConfig({
  root: fileURLToPath(new URL('../../packages/nestjs', import.meta.url)),
  resolve: {
    alias: replaced.map((name) => ({
      find: new RegExp(`^@nestjs/${name}$`),
      replacement: require.resolve(`@nestjs/${name}`),
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    // It runs Jest on the workspace's own Nest.
    exclude: ['test/recipe.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // A busy machine may need longer than the one second of the default.
    expect: { poll: { timeout: 30_000 } },
  },
});
