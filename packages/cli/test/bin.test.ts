import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const program = join(root, bin['pzk-auth']);
const run = (path: string) =>
  spawnSync(process.execPath, [path, '--help'], { encoding: 'utf8', cwd: tmpdir() });

describe('the program that npm links', () => {
  it('runs what was built', () => {
    // npm links no program that is missing at the installation: dist comes later.
    expect(bin['pzk-auth']).not.toContain('dist');
    expect(statSync(program).mode & 0o111).toBe(0o111);
    const { status, stdout } = run(program);
    expect([status, stdout]).toEqual([0, expect.stringContaining('pzk-auth')]);
  });

  it('says where nothing was built', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pzk-bin-'));
    try {
      mkdirSync(join(directory, 'bin'));
      const copy = join(directory, 'bin/pzk-auth.mjs');
      copyFileSync(program, copy);
      const { status, stderr } = run(copy);
      expect([status, stderr]).toEqual([1, expect.stringContaining('npm run build')]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
