import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

/** The TypeScript blocks of a document that are whole programs: they import something. */
async function readPrograms(document: string): Promise<{ name: string; code: string }[]> {
  const text = await readFile(join(ROOT, document), 'utf8');
  return [...text.matchAll(/```(tsx?)\n(.*?)```/gs)]
    .map(([, type = '', code = ''], index) => ({ name: `block-${index}.${type}`, code }))
    .filter(({ code }) => code.startsWith('import '));
}

it.each(['README.md', 'packages/express/README.md', 'packages/react-hooks/README.md'])(
  'the programs in %s compile under strict',
  async (document) => {
    const programs = await readPrograms(document);
    expect(programs.length).toBeGreaterThan(0);
    // Inside the example, where express, react and our packages are dependencies.
    const cache = join(ROOT, 'examples/express-react/.cache');
    await mkdir(cache, { recursive: true });
    const directory = await mkdtemp(join(cache, 'readme-'));
    try {
      for (const { name, code } of programs) await writeFile(join(directory, name), code);
      const options = {
        extends: join(ROOT, 'tsconfig.base.json'),
        compilerOptions: {
          noEmit: true,
          jsx: 'react-jsx',
          lib: ['ES2023', 'DOM'],
          types: ['node'],
          verbatimModuleSyntax: false,
        },
        include: ['.'],
      };
      await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
      await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options));
      const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
      const tsc = join(dirname(manifest), 'bin/tsc');
      const compile = run(process.execPath, [tsc, '-p', directory]).catch(
        (error: { stdout: string }) => error,
      );
      expect((await compile).stdout).toBe('');
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
