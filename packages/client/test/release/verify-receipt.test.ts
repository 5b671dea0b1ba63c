import { type Bytes, encodeBase64url, parseReceipt } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import {
  type ReceiptFlaw,
  type VerifyReceiptsOptions,
  verifyReceipt,
  verifyReceipts,
} from '../../src/index.js';
import { generateIdentityKey } from '../../src/vault/identity-key.js';
import { randomBytes, randomId } from '../vault/craft-vault.js';
import { createReceiptMaker, type ReceiptChanges } from './craft-receipt.js';

async function flawOf(bytes: Uint8Array): Promise<ReceiptFlaw | 'none'> {
  const verdict = await verifyReceipt(bytes);
  return verdict.valid ? 'none' : verdict.flaw;
}

const numbered = (receipts: readonly Bytes[], from = 1) =>
  receipts.map((receipt, index) => ({ number: from + index, receipt }));

describe('a receipt', () => {
  it('[V13] honest: says what the passkey of the manifest approved', async () => {
    const maker = await createReceiptMaker();
    const verdict = await verifyReceipt(await maker.make());
    expect(verdict).toMatchObject({
      valid: true,
      receipt: {
        previous: '',
        hash: maker.head(),
        request: { host: 'api.anthropic.com', slotId: maker.slotId, uses: 20, ttl: 900 },
        agent: { name: 'Ticket helper' },
        credentialId: maker.credentialId,
        origin: 'https://app.example.com',
        identityKey: maker.identityKey,
        counter: 3,
      },
    });
  });

  it('[V5] is refused with any byte of it flipped', async () => {
    const bytes = await (await createReceiptMaker()).make();
    const accepted: number[] = [];
    for (let index = 0; index < bytes.length; index++) {
      const flipped = bytes.slice();
      flipped[index] = (flipped[index] ?? 0) ^ 1;
      if ((await flawOf(flipped)) === 'none') accepted.push(index);
    }
    expect(accepted).toEqual([]);
  });

  it('[V5] is refused cut short or with more behind it', async () => {
    const bytes = await (await createReceiptMaker()).make();
    for (const wrong of [new Uint8Array(), bytes.slice(0, -1), new Uint8Array([...bytes, 0])]) {
      expect(await flawOf(wrong)).toBe('malformed');
    }
  });

  const cases: readonly (readonly [string, ReceiptChanges, ReceiptFlaw])[] = [
    ['for a slot that the vault has not', { request: { slotId: randomId() } }, 'request'],
    ['for another vault', { request: { vaultId: randomId() } }, 'request'],
    ['for another issuer', { request: { issuer: 'https://other.example.com' } }, 'request'],
    ['of an agent that is not paired', { request: { agentKeyHash: randomBytes(32) } }, 'request'],
    ['that the agent did not sign', { agentSigns: randomBytes(40) }, 'request'],
    ['that the passkey did not approve', { challenge: randomBytes(32) }, 'approval'],
    [
      'without the person being verified',
      { authenticator: { userVerification: false } },
      'approval',
    ],
    [
      'approved in a frame of another page',
      { authenticator: { tamper: { crossOrigin: true } } },
      'approval',
    ],
    [
      'approved by the making of a passkey',
      { authenticator: { tamper: { type: 'webauthn.create' } } },
      'approval',
    ],
    [
      'approved by a passkey that the vault does not list',
      { receipt: { credentialId: encodeBase64url(randomBytes(32)) } },
      'approval',
    ],
    ['with another nonce', { receipt: { nonce: encodeBase64url(randomBytes(96)) } }, 'approval'],
    [
      'that follows another than its manifest names',
      { receipt: { previous: randomBytes(32) } },
      'manifest',
    ],
    ['with another manifest', { receipt: { manifestSignature: randomBytes(64) } }, 'manifest'],
  ];
  it.each(cases)('[V10] is refused %s', async (_, changes, flaw) => {
    const maker = await createReceiptMaker();
    expect(await flawOf(await maker.make(changes))).toBe(flaw);
    expect(await flawOf(await (await createReceiptMaker()).make())).toBe('none');
  });

  it('[V3] is refused where the platform put an agent of its own into the manifest', async () => {
    const maker = await createReceiptMaker();
    const key = encodeBase64url((await generateIdentityKey()).publicKey);
    const { manifestSignature } = parseReceipt(await maker.make());
    const forged = await maker.make({
      manifest: (manifest) => ({
        ...manifest,
        agents: [...manifest.agents, { id: randomId(), name: 'Ticket helper', key }],
      }),
      receipt: { manifestSignature },
    });
    expect(await flawOf(forged)).toBe('manifest');
  });
});

describe('receipts', () => {
  async function chain(length = 3) {
    const maker = await createReceiptMaker();
    const receipts: Bytes[] = [];
    while (receipts.length < length) receipts.push(await maker.make());
    return { maker, receipts };
  }

  const judge = async (
    receipts: VerifyReceiptsOptions['receipts'],
    head?: string,
    after?: string,
  ) => {
    const verdict = await verifyReceipts({ receipts, head, after });
    return verdict.valid ? verdict.receipts.length : [verdict.number, verdict.flaw];
  };

  it('[V2] honest: follow from each other up to the head', async () => {
    const { maker, receipts } = await chain();
    expect(await judge(numbered(receipts))).toBe(3);
    expect(await judge(numbered(receipts), maker.head())).toBe(3);
    // Those since an earlier check.
    const first = await verifyReceipts({ receipts: numbered(receipts.slice(0, 1)) });
    const after = first.valid ? first.receipts[0]?.hash : undefined;
    expect(await judge(numbered(receipts.slice(1), 2), maker.head(), after)).toBe(2);
    expect(await judge([], '')).toBe(0);
  });

  it('[V2] are refused dropped, swapped, twice, or from the middle on', async () => {
    const { maker, receipts } = await chain();
    const [one, two, three] = receipts as [Bytes, Bytes, Bytes];
    expect(await judge(numbered([one, three]))).toEqual([2, 'unlinked']);
    expect(await judge(numbered([two, one, three]))).toEqual([1, 'unlinked']);
    expect(await judge(numbered([one, one]))).toEqual([2, 'unlinked']);
    expect(await judge(numbered([two, three], 2))).toEqual([2, 'unlinked']);
    expect(await judge(numbered([one, two]), maker.head())).toEqual([2, 'head']);
    expect(await judge([], maker.head())).toEqual([0, 'head']);
    // Made anew as a whole, with other keys: that shows against the head alone.
    const { receipts: forged } = await chain();
    expect(await judge(numbered(forged))).toBe(3);
    expect(await judge(numbered(forged), maker.head())).toEqual([3, 'head']);
    const gap = [
      { number: 1, receipt: one },
      { number: 3, receipt: two },
    ];
    expect(await judge(gap)).toEqual([3, 'unlinked']);
    expect(await judge(numbered([one, two, three.slice(1)]))).toEqual([3, 'malformed']);
  });

  it('[V3] are refused where another vault stands between those of one', async () => {
    const { receipts } = await chain(2);
    const [one, two] = receipts as [Bytes, Bytes];
    const other = await (await createReceiptMaker()).make();
    // A vault that replaced another begins anew, and the one before it does not come back.
    expect(await judge(numbered([one, other]))).toBe(2);
    expect(await judge(numbered([one, other, two]))).toEqual([3, 'unlinked']);
  });
});
