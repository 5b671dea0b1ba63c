import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasPhase1, phase1File } from './phase1-file.js';

const root = fileURLToPath(new URL('../', import.meta.url));

const sources = ['scripts', 'setup', 'circom', 'artifacts', 'src'];
let copy: string;

// The scripts find everything from where they stand, so that a copy can be altered and run.
beforeEach(() => {
  mkdirSync(join(root, 'build'), { recursive: true });
  copy = mkdtempSync(join(root, 'build', 'scripts-'));
  for (const name of sources) cpSync(join(root, name), join(copy, name), { recursive: true });
});
afterEach(() => rmSync(copy, { recursive: true }));

/** Exit code and output of a program run in the copy. */
function run(...args: string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: copy }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr });
    });
  });
}

const read = (file: string): Buffer => readFileSync(join(copy, file));
const readAll = (): string[] => ownFiles.map((file) => read(file).toString('base64'));
const ownFiles = [
  'artifacts/ownership-v1/ownership-v1.zkey',
  'artifacts/ownership-v1/verification-key.json',
  'artifacts/ownership-v1/prover.bin',
  'artifacts/ownership-v1/manifest.json',
  'artifacts/ownership-v1/transcript.json',
  'src/ownership-v1.generated.ts',
];

/** Replaces text, or where there is none one bit in the middle of the file. */
function alter(file: string, from?: string, to = ''): void {
  const content = read(file);
  if (from === undefined) {
    const middle = content.length >> 1;
    content[middle] = (content[middle] as number) ^ 1;
    writeFileSync(join(copy, file), content);
    return;
  }
  expect(content.includes(from), `${from} in ${file}`).toBe(true);
  writeFileSync(join(copy, file), content.toString().replace(from, to));
}

const anotherCircuit = [
  'circom/ownership-v1.circom',
  'context * context',
  'context * salt',
] as const;

describe('assertArtifacts', () => {
  const check = () =>
    run(
      '--input-type=module',
      '-e',
      "import { assertArtifacts } from './scripts/artifacts.mjs'; await assertArtifacts(); process.exit(0);",
    );

  it('[C6] honest: takes the committed files', async () => {
    expect(await check()).toMatchObject({ code: 0 });
  });

  it.each([
    ['artifacts/ownership-v1/verification-key.json'],
    ['artifacts/ownership-v1/prover.bin'],
    ['artifacts/ownership-v1/manifest.json', '"genuine"', '"development"'],
    // A delta of somebody else's choice: to him every proof is possible.
    ['src/ownership-v1.generated.ts', '1784922191561076857070979152833274580417505', '1'],
    ['src/ownership-v1.generated.ts', '523cfd8257f9', '523cfd8257f8'],
  ])('[C6] refuses %s, altered, with the zkey untouched', async (...change) => {
    alter(...(change as [string, string?, string?]));
    const { code, output } = await check();
    expect(code).toBe(1);
    expect(output).toContain(
      `${change[0]?.replace('artifacts/ownership-v1/', '')} does not follow`,
    );
  });

  it('[C6] refuses a source that compiles to other constraints', async () => {
    alter(...anotherCircuit);
    const { code, output } = await check();
    expect(code).toBe(1);
    expect(output).toContain('no longer compiles to the committed r1cs');
  });
});

describe.runIf(hasPhase1)('against phase 1', () => {
  const verifySetup = (): ReturnType<typeof run> =>
    run('scripts/verify-setup.mjs', '--ptau', phase1File);
  const contribute = (...name: string[]): ReturnType<typeof run> =>
    run('scripts/contribute.mjs', '--ptau', phase1File, ...name);

  it('[C6] verify-setup refuses each altered file', async () => {
    const files = [
      ...['ownership-v1.r1cs', 'ownership-v1.zkey', 'transcript.json', 'prover.bin'].map(
        (name) => `artifacts/ownership-v1/${name}`,
      ),
      'src/ownership-v1.generated.ts',
    ];
    for (const file of files) {
      const before = read(file);
      const isText = !/(zkey|r1cs|bin)$/.test(file);
      if (isText) alter(file, '2', '3');
      else alter(file);
      expect(await verifySetup(), file).toMatchObject({ code: 1 });
      writeFileSync(join(copy, file), before);
    }
    expect(await verifySetup()).toMatchObject({ code: 0 });
  });

  it('[C6] honest: contribute adds to the key what verify-setup then accepts', async () => {
    const before = readAll();
    const { code, output } = await contribute('--name', 'Example Inc');
    expect(output).toContain('your contribution, to publish: ');
    expect(code).toBe(0);
    for (const [index, content] of readAll().entries()) {
      expect(content === before[index], ownFiles[index]).toBe(false);
    }
    const verified = await verifySetup();
    expect(verified.code).toBe(0);
    expect(verified.output).toContain('5. Example Inc (random)');
  });

  it('[C6] contribute that fails changes no file', async () => {
    const before = readAll();
    for (const name of [[], ['--name', ''], ['--name', 'a\nb'], ['--name', 'x'.repeat(65)]]) {
      expect(await contribute(...name)).toMatchObject({ code: 2 });
    }
    // Found only by the last step, that compiles.
    alter(...anotherCircuit);
    expect(await contribute('--name', 'Example Inc')).toMatchObject({ code: 1 });
    expect(readAll()).toEqual(before);
  });
});
