import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

/**
 * The TypeScript blocks of a document that are whole programs: they import something. Where the first
 * line is a comment with a path, that is where the program stands.
 */
async function readPrograms(document: string): Promise<{ name: string; code: string }[]> {
  const text = await readFile(join(ROOT, document), 'utf8');
  return [...text.matchAll(/```(tsx?)\n(.*?)```/gs)]
    .map(([, type = '', code = ''], index) => {
      const path = /^\/\/ (\S+\.tsx?)\n/.exec(code)?.[1];
      return { name: path ?? `block-${index}.${type}`, code };
    })
    .filter(({ code }) => /^(\/\/ \S+\.tsx?\n)?import /.test(code));
}

/** Inside the example, where express, react and our packages are dependencies. */
async function inProject<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const cache = join(ROOT, 'examples/express-react/.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'readme-'));
  try {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs a program of a package with this Node. Resolves to what it wrote, also if it failed. */
function runBin(name: string, bin: string, args: readonly string[], cwd: string) {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const env = { ...process.env, NO_COLOR: '1' };
  return run(process.execPath, [join(dirname(manifest), bin), ...args], { cwd, env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
}

it.each([
  'README.md',
  'docs/localhost-and-domains.md',
  'docs/stores.md',
  'packages/agent/README.md',
  'packages/client/README.md',
  'packages/express/README.md',
  'packages/nestjs/README.md',
  'packages/nextjs/README.md',
  'packages/react-hooks/README.md',
])('the programs in %s compile under strict', async (document) => {
  const programs = await readPrograms(document);
  expect(programs.length).toBeGreaterThan(0);
  await inProject(async (directory) => {
    for (const { name, code } of programs) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), code);
    }
    // The App Router's own way of writing imports.
    const bundled = document.includes('nextjs');
    const decorated = document.includes('nestjs');
    const options = {
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        jsx: 'react-jsx',
        lib: ['ES2023', 'DOM'],
        types: decorated ? ['node', 'vitest/globals'] : ['node'],
        ...(decorated ? { experimentalDecorators: true, emitDecoratorMetadata: true } : {}),
        ...(bundled ? { module: 'esnext', moduleResolution: 'bundler' } : {}),
        verbatimModuleSyntax: false,
      },
      include: ['.'],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options));
    const compiled = await runBin('typescript', 'bin/tsc', ['-p', directory], directory);
    expect(compiled.stdout).toBe('');
  });
});

it('the tests in packages/client/README.md pass', async () => {
  const programs = await readPrograms('packages/client/README.md');
  const tests = programs.filter(({ code }) => code.includes("from 'vitest'"));
  expect(tests).toHaveLength(1);
  await inProject(async (directory) => {
    await writeFile(join(directory, 'weather.test.ts'), tests[0]?.code ?? '');
    // A proof may take a busy machine longer than the usual time of a test.
    const words = ['--reporter', 'json', '--testTimeout', '120000', '--hookTimeout', '120000'];
    const args = ['run', '--root', directory, ...words];
    const { stdout, stderr } = await runBin('vitest', 'vitest.mjs', args, directory);
    const report = JSON.parse(stdout || '{}');
    expect([report.numPassedTests, report.numTotalTests], stderr).toEqual([2, 2]);
  });
});
