import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasPhase1, phase1File } from '../../../circuits/test/phase1-file.js';
import { createWorkplace, type Workplace } from './harness.js';

let place: Workplace;
beforeEach(() => {
  place = createWorkplace();
});
afterEach(() => place.remove());

const run = (...words: string[]) => place.run(['setup', ...words, '--json']);
const ptau = ['--ptau', phase1File];

describe('setup', () => {
  it('asks for the file of phase 1 and takes no other', async () => {
    const missing = await run('contribute', '--name', 'Example Inc');
    expect({ code: missing.code, error: missing.error.code }).toEqual({ code: 2, error: 'usage' });
    expect(missing.error.hint).toContain('https://');
    place.write('wrong.ptau', 'ptau');
    for (const words of [['contribute', '--name', 'Example Inc'], ['verify']]) {
      const wrong = await run(...words, '--ptau', 'wrong.ptau');
      expect({ code: wrong.code, error: wrong.error.code }).toEqual({
        code: 1,
        error: 'phase1_refused',
      });
    }
    expect(existsSync(place.path('pzk-setup'))).toBe(false);
  });
});

describe.runIf(hasPhase1)('setup, against phase 1', () => {
  it('contribute writes keys that verify accepts, and prints the lines of both sides', {
    timeout: 240_000,
  }, async () => {
    const made = await run('contribute', '--name', 'Example Inc', '--out', 'own', ...ptau);
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    expect(readdirSync(place.path('own')).sort()).toEqual([
      'manifest.json',
      'ownership-v1.r1cs',
      'ownership-v1.zkey',
      'prover.bin',
      'transcript.json',
      'verification-key.json',
    ]);
    const verified = await run('verify', 'own', ...ptau);
    expect(verified.json).toMatchObject({ valid: true, circuit: 'ownership/v1' });
    const last = verified.json.contributions.at(-1);
    expect(last).toMatchObject({
      name: 'Example Inc',
      kind: 'random',
      hash: made.json.contribution,
    });

    // The printed lines, pasted into a configuration.
    place.write(
      'use.mjs',
      `import { createVerifier, memoryStores } from '@pzk-auth/verifier';
       ${made.json.verifier.replace('circuits: [', 'const circuits = [').replace(/,$/, ';')}
       const issuer = 'http://localhost:3000';
       const verifier = createVerifier({ issuer, audience: issuer, rpId: 'localhost',
         origins: [issuer], scopes: ['a'], stores: memoryStores(), circuits });
       await verifier.ready();
       const { artifacts } = circuits[0].manifest;
       const client = { ${made.json.client} };
       if (client.circuit.prover.sha256 !== artifacts.prover.sha256) throw new Error('prover');
       export const options = undefined;
       await verifier.close();`,
    );
    const { execFileSync } = await import('node:child_process');
    execFileSync(process.execPath, ['use.mjs'], { cwd: place.directory });

    // Once more, on top of it; and never over something.
    const full = await run('contribute', '--name', 'Example Inc', '--out', 'own', ...ptau);
    expect({ code: full.code, error: full.error.code }).toEqual({
      code: 1,
      error: 'setup_refused',
    });
    const next = ['contribute', '--name', 'Other Inc', '--from', 'own', '--out', 'next'];
    expect((await run(...next, ...ptau)).json.contributions).toHaveLength(
      verified.json.contributions.length + 1,
    );

    for (const file of [
      'prover.bin',
      'verification-key.json',
      'ownership-v1.zkey',
      'transcript.json',
    ]) {
      const path = place.path(`own/${file}`);
      const before = readFileSync(path);
      const isText = file.endsWith('.json');
      const altered = Buffer.from(before);
      const middle = altered.length >> 1;
      altered[middle] = (altered[middle] ?? 0) ^ 1;
      writeFileSync(path, isText ? before.toString().replace('2', '3') : altered);
      expect({ file, code: (await run('verify', 'own', ...ptau)).code }).toEqual({ file, code: 1 });
      writeFileSync(path, before);
    }
    expect((await run('verify', 'own', ...ptau)).code).toBe(0);
  });

  it('refuses a name that would not be read as one', async () => {
    for (const name of ['', 'a\nb', 'x'.repeat(65)]) {
      const answer = await run('contribute', `--name=${name}`, '--out', 'own', ...ptau);
      expect(answer.code).toBe(2);
    }
    expect(existsSync(place.path('own'))).toBe(false);
  });
});
