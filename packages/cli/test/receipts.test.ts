import { type Bytes, encodeBase64url } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReceiptMaker } from '../../client/test/release/craft-receipt.js';
import { createWorkplace, type Workplace } from './harness.js';

let place: Workplace;
let maker: Awaited<ReturnType<typeof createReceiptMaker>>;
const receipts: Bytes[] = [];
beforeAll(async () => {
  place = createWorkplace();
  maker = await createReceiptMaker();
  // More than one page of the server.
  while (receipts.length < 23) receipts.push(await maker.make());
});
afterAll(() => place.remove());

function write(file: string, list: readonly Bytes[], from = 1): void {
  const numbered = list.map((receipt, index) => {
    return { number: from + index, receipt: encodeBase64url(receipt) };
  });
  place.write(file, JSON.stringify({ receipts: numbered }));
}

const verify = (...words: string[]) => place.run(['audit', 'verify', ...words, '--json']);

describe('audit verify --receipts', () => {
  it('[V2] honest: needs no deployment, and says what was approved', async () => {
    write('all.json', receipts);
    const answer = await verify('--receipts', 'all.json', '--head', maker.head());
    expect(answer.code).toBe(0);
    expect(answer.json).toMatchObject({ valid: true, anchored: true, head: maker.head() });
    expect(answer.json.receipts).toHaveLength(23);
    expect(answer.json.receipts[22]).toMatchObject({
      number: 23,
      host: 'api.anthropic.com',
      methods: ['POST'],
      header: { name: 'x-api-key', prefix: '' },
      uses: 20,
      ttl: 900,
      notAfter: null,
      agent: { name: 'Ticket helper' },
      origin: 'https://app.example.com',
      credentialId: maker.credentialId,
      identityKey: maker.identityKey,
      vaultId: maker.vaultId,
    });
    const text = await place.run(['audit', 'verify', '--receipts', 'all.json']);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain('Summarise the open tickets');
    expect(text.stdout).toContain(`head: ${maker.head()}`);
    expect(text.stderr).toContain('--head');
  });

  it('[V2] honest: takes pages as files, and goes on from an earlier check', async () => {
    write('one.json', receipts.slice(0, 20));
    write('two.json', receipts.slice(20), 21);
    const both = await verify('--receipts', 'one.json', '--receipts', 'two.json');
    expect([both.code, both.json.head]).toEqual([0, maker.head()]);
    const first = await verify('--receipts', 'one.json');
    const rest = ['--receipts', 'two.json', '--head', maker.head()];
    expect((await verify(...rest, '--after', first.json.head)).code).toBe(0);
    expect((await verify(...rest)).json).toEqual({ valid: false, number: 21, flaw: 'unlinked' });
  });

  it('[V2] [V5] refuses what was changed, dropped or cut', async () => {
    const changed = receipts.map((bytes, index) => {
      return index === 4 ? bytes.map((byte, at) => (at === 900 ? byte ^ 1 : byte)) : bytes;
    });
    write('changed.json', changed);
    write('dropped.json', [...receipts.slice(0, 5), ...receipts.slice(6)]);
    write('cut.json', receipts.slice(0, -1));
    const head = ['--head', maker.head()];
    const cases: [string, string[], number, unknown][] = [
      ['changed.json', [], 5, expect.stringMatching(/^(manifest|request|approval|malformed)$/)],
      ['dropped.json', [], 6, 'unlinked'],
      ['cut.json', head, 22, 'head'],
    ];
    for (const [file, words, number, flaw] of cases) {
      const answer = await verify('--receipts', file, ...words);
      expect(answer.code).toBe(1);
      expect(answer.json).toEqual({ valid: false, number, flaw });
    }
    const text = await place.run(['audit', 'verify', '--receipts', 'dropped.json']);
    expect([text.code, text.stdout]).toEqual([
      1,
      'BROKEN: receipt 6 does not follow from the one before\n',
    ]);
  });

  it('refuses other files and options that do not go together', async () => {
    place.write('text.json', 'no JSON');
    place.write('list.json', '[]');
    place.write('wrong.json', '{"receipts":[{"number":0,"receipt":"AA"}]}');
    for (const file of ['text.json', 'list.json', 'wrong.json']) {
      const answer = await verify('--receipts', file);
      expect([file, answer.code, answer.error.code]).toEqual([file, 1, 'receipts_malformed']);
    }
    for (const words of [
      ['--receipts', 'missing.json'],
      ['--receipts', 'list.json', '--head', 'short'],
      ['--receipts', 'list.json', '--anchor', `1:${maker.head()}`],
      ['--head', maker.head()],
    ]) {
      const answer = await verify(...words);
      expect([words, answer.code, answer.error.code]).toEqual([words, 2, 'usage']);
    }
    place.write('none.json', '{"receipts":[]}');
    expect((await verify('--receipts', 'none.json')).json).toMatchObject({
      valid: true,
      head: null,
    });
  });
});
