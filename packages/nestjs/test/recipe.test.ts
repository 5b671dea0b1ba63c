import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
const README = join(PACKAGE, 'README.md');
const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** A proof may take a busy machine longer than the usual time of a test. Milliseconds. */
const PATIENCE = 120_000;

const VITEST_CONFIG = 'export default { test: { globals: true } };';
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  },
};

/** Runs a program of a package with this Node; a failing run resolves to what it wrote. */
function runBin(name: string, bin: string, args: readonly string[], cwd: string, options = '') {
  const path = join(dirname(require.resolve(`${name}/package.json`)), bin);
  const {
    VITEST: _vitest,
    VITEST_WORKER_ID: _worker,
    JEST_WORKER_ID: _jest,
    ...rest
  } = process.env;
  const env = { ...rest, NO_COLOR: '1', NODE_ENV: 'test', NODE_OPTIONS: options };
  return run(process.execPath, [path, ...args], { cwd, env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
}

describe('the tests in the README', () => {
  let directory: string;
  beforeAll(async () => {
    await mkdir(join(PACKAGE, '.cache'), { recursive: true });
    directory = await mkdtemp(join(PACKAGE, '.cache/recipe-'));
    const text = await readFile(README, 'utf8');
    const blocks = [...text.matchAll(/```(?:ts|js)\n(.*?)```/gs)].map(([, code = '']) => code);
    const test = blocks.find((code) => code.includes('overridePzk(')) ?? '';
    const config = blocks.find((code) => code.startsWith('// jest.config.js')) ?? '';
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    await writeFile(join(directory, 'weather.test.ts'), test);
    await writeFile(join(directory, 'vitest.config.js'), VITEST_CONFIG);
    await writeFile(join(directory, 'jest.config.js'), config);
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('pass in Jest by the recipe', async () => {
    const args = ['--json', '--ci', `--testTimeout=${PATIENCE}`];
    const { stdout, stderr } = await runBin(
      'jest',
      'bin/jest.js',
      args,
      directory,
      '--experimental-vm-modules',
    );
    const report = JSON.parse(stdout || '{}');
    expect([report.numPassedTests, report.numTotalTests], stderr).toEqual([2, 2]);
  });

  it('pass in Vitest', async () => {
    const patience = ['--testTimeout', `${PATIENCE}`, '--hookTimeout', `${PATIENCE}`];
    const args = ['run', '--root', directory, '--reporter', 'json', ...patience];
    const { stdout, stderr } = await runBin('vitest', 'vitest.mjs', args, directory);
    const report = JSON.parse(stdout || '{}');
    expect([report.numPassedTests, report.numTotalTests], stderr).toEqual([2, 2]);
  });
});
