import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeBase64url, encodeBase64url, formatRecoveryCode } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { craftExport } from '../../client/test/vault/craft-export.js';
import { createWorkplace, type Workplace } from './harness.js';

const VALUE = 'sk-ant-canary-0123456789abcdef';
const API_KEY = 'wd_canary_of_the_issuer';
const RAW = Uint8Array.of(0, 255, 10);

let place: Workplace;
let vault: Awaited<ReturnType<typeof craftExport>>;
beforeAll(async () => {
  place = createWorkplace();
  const secrets = [
    { name: 'Claude', provider: 'anthropic', value: new TextEncoder().encode(VALUE) },
    { name: 'Raw', provider: '', value: RAW },
  ];
  vault = await craftExport(secrets, API_KEY);
  place.write('export.json', JSON.stringify(vault.document));
  place.write('rotated.json', JSON.stringify(vault.rotated));
});
afterAll(() => place.remove());

const open = (words: string[], code = vault.recoveryCode, file = 'export.json') =>
  place.run(['vault', 'open', file, ...words], {}, '', code);
const canaries = [VALUE, API_KEY];
const holds = (text: string, words: readonly string[]) => words.some((word) => text.includes(word));

describe('vault open', () => {
  it('[V5] honest: lists names and providers, and no value', async () => {
    const answer = await open([]);
    expect(answer.code).toBe(0);
    expect(answer.stdout).toContain('Claude');
    expect(answer.stdout).toContain('anthropic');
    const json = await open(['--json'], `${vault.recoveryCode}\n`);
    expect(json.json).toMatchObject({ issuer: 'https://api.example.com', counter: 4 });
    expect(json.json.slots.map((slot: object) => Object.keys(slot).sort())).toEqual(
      Array(3).fill(['id', 'kind', 'name', 'provider', 'version']),
    );
    for (const { stdout, stderr } of [answer, json]) {
      expect(holds(stdout + stderr, [...canaries, vault.recoveryCode])).toBe(false);
    }
  });

  it('prints the value of one slot, and it alone, to stdout', async () => {
    const [apiKey = '', secret = '', raw = ''] = vault.slotIds;
    const shown = await open(['--show', secret]);
    expect([shown.code, shown.stdout, shown.stderr]).toEqual([0, `${VALUE}\n`, '']);
    expect((await open(['--show', apiKey])).stdout).toBe(`${API_KEY}\n`);
    const inJson = await open(['--show', secret, '--json']);
    expect(inJson.json).toMatchObject({ name: 'Claude', value: VALUE });
    // What a terminal would not show as it is.
    const refused = await open(['--show', raw]);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    const base64 = (await open(['--show', raw, '--json'])).json.valueBase64;
    expect(new Uint8Array(Buffer.from(base64, 'base64'))).toEqual(RAW);
  });

  it('reveals all values in JSON alone', async () => {
    const { json, stderr } = await open(['--json', '--reveal']);
    expect(json.slots.map((slot: { value?: string }) => slot.value)).toEqual([
      API_KEY,
      VALUE,
      undefined,
    ]);
    expect(stderr).toBe('');
    for (const words of [['--reveal'], ['--reveal', '--json', '--show', vault.slotIds[0] ?? '']]) {
      const refused = await open(words);
      expect([refused.code, refused.stdout]).toEqual([2, '']);
    }
  });

  it('[V1] [V5] refuses another code and a changed file, and tells nothing of either', async () => {
    const { entry } = vault.document;
    const blobs = entry.slots.map(({ id, blob }) => {
      const bytes = decodeBase64url(blob);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      return { id, blob: encodeBase64url(bytes) };
    });
    const document = { ...vault.document, entry: { ...entry, slots: blobs } };
    place.write('changed.json', JSON.stringify(document));
    place.write('text.json', `{"key": "${VALUE}`);
    place.write('other.json', JSON.stringify({ key: VALUE }));
    const other = formatRecoveryCode(new Uint8Array(32).fill(3));
    const cases: [string[], string, string, number, string][] = [
      [[], other, 'export.json', 1, 'vault_pin_mismatch'],
      [[], `${VALUE}`, 'export.json', 1, 'recovery_code_malformed'],
      [[], '', 'export.json', 2, 'usage'],
      [[], vault.recoveryCode, 'changed.json', 1, 'vault_slot_invalid'],
      [[], vault.recoveryCode, 'text.json', 1, 'export_malformed'],
      [[], vault.recoveryCode, 'other.json', 1, 'export_malformed'],
      [[], vault.recoveryCode, 'missing.json', 2, 'usage'],
      [['--show', 'AAAAAAAAAAAAAAAAAAAAAA'], vault.recoveryCode, 'export.json', 1, 'not_found'],
    ];
    for (const [words, code, file, exit, error] of cases) {
      const answer = await open([...words, '--json'], code, file);
      expect([file, answer.code, answer.error.code]).toEqual([file, exit, error]);
      expect(answer.stdout).toBe('');
      expect(holds(answer.stderr, [...canaries, vault.recoveryCode, other])).toBe(false);
    }
  });

  it('opens what is left of a damaged file where that was accepted', async () => {
    const { entry } = vault.document;
    const [, secret = '', raw = ''] = vault.slotIds;
    const slots = entry.slots.map(({ id, blob }) => {
      const bytes = decodeBase64url(blob);
      if (id === secret) bytes[20] = (bytes[20] ?? 0) ^ 1;
      return { id, blob: encodeBase64url(bytes) };
    });
    const document = { ...vault.document, entry: { ...entry, slots } };
    place.write('damaged.json', JSON.stringify(document));
    const refused = await open(['--json'], vault.recoveryCode, 'damaged.json');
    expect([refused.code, refused.error.code]).toEqual([1, 'vault_slot_invalid']);
    expect(refused.error.hint).toContain(secret);
    const accepted = (words: string[]) =>
      open(['--accept-damage', ...words], vault.recoveryCode, 'damaged.json');
    const { json } = await accepted(['--json', '--reveal']);
    expect(json.slots).toMatchObject([
      { value: API_KEY },
      { id: secret, damaged: 'replaced' },
      { id: raw, valueBase64: Buffer.from(RAW).toString('base64') },
    ]);
    const shown = await accepted(['--show', secret, '--json']);
    expect([shown.code, shown.error.code]).toEqual([1, 'vault_slot_invalid']);
  });

  it('opens the export of the vectors', async () => {
    const file = new URL('../../protocol/vectors/vault-export.json', import.meta.url);
    const { document, recoveryCode, opened } = JSON.parse(readFileSync(file, 'utf8'));
    place.write('vectors.json', JSON.stringify(document));
    const { code, json } = await open(['--json', '--reveal'], recoveryCode, 'vectors.json');
    expect([code, json.counter]).toEqual([0, opened.counter]);
    const shown = json.slots.map(
      ({ value, valueBase64, ...slot }: { value?: string; valueBase64?: string }) => ({
        ...slot,
        value: Buffer.from(value ?? valueBase64 ?? '', value ? 'utf8' : 'base64').toString('hex'),
      }),
    );
    expect(shown).toEqual(opened.slots);
  });

  it('takes no code from the command line', async () => {
    const answer = await place.run(['vault', 'open', 'export.json', vault.recoveryCode]);
    expect(answer.code).toBe(2);
    expect(answer.stderr).not.toContain(vault.recoveryCode);
  });

  it('[V7] opens after a rotation only where that was accepted', async () => {
    const refused = await open(['--json'], vault.recoveryCode, 'rotated.json');
    expect([refused.code, refused.error.code]).toEqual([1, 'vault_repin_required']);
    expect(refused.error.hint).toContain(vault.device);
    const accepted = await open(
      ['--json', '--accept-rotation'],
      vault.recoveryCode,
      'rotated.json',
    );
    expect([accepted.code, accepted.json.counter]).toEqual([0, 5]);
  });
});

const script = spawnSync('script', ['--version']).status === 0;
describe.runIf(script)('vault open on a terminal', () => {
  it('asks for the code and shows nothing of it', () => {
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
    const command = `'${process.execPath}' '${main}' vault open export.json`;
    // script(1) gives the program a terminal, types what it gets, and writes down what is shown.
    const shown = spawnSync('script', ['-qec', command, '/dev/null'], {
      cwd: place.directory,
      input: `${vault.recoveryCode}\n`,
      encoding: 'utf8',
    });
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain('Recovery code: ');
    expect(shown.stdout).toContain('Claude');
    expect(shown.stdout.split('Recovery code: ')[1]).not.toContain(vault.recoveryCode);
  });
});
