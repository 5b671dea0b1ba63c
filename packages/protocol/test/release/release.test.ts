import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  formatPairingId,
  formatReceipt,
  type PairingFields,
  pairingCommitment,
  pairingWords,
  parsePairingId,
  parseReceipt,
  type Receipt,
  receiptHash,
  releaseChallenge,
  releaseSealInfo,
  releaseSignatureMessage,
} from '../../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

interface Case {
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
}

const bytesOf = (fields: Readonly<Record<string, string>>, name: string) =>
  fromHex(fields[name] ?? '');

describe('pairing', () => {
  const vectors = readVectors<{
    readonly ids: readonly { readonly id: string; readonly text: string }[];
    readonly acceptedIds: readonly { readonly id: string; readonly text: string }[];
    readonly refusedIds: readonly string[];
    readonly wordlistHash: string;
    readonly cases: readonly (Case & { commitment: string; hash: string; words: string[] })[];
  }>('agent-pairing');
  const toFields = (fields: Case['fields']): PairingFields => ({
    issuer: fields.issuer ?? '',
    vaultId: fields.vaultId ?? '',
    agentKey: bytesOf(fields, 'agentKey'),
    nonceA: bytesOf(fields, 'nonceA'),
    identityKey: bytesOf(fields, 'identityKey'),
    nonceB: bytesOf(fields, 'nonceB'),
  });

  it.each(vectors.cases)(
    '[V9] honest: commitment and words, $name',
    ({ fields, commitment, words }) => {
      expect(toHex(pairingCommitment(toFields(fields)))).toBe(commitment);
      expect(pairingWords(toFields(fields))).toEqual(words);
    },
  );

  it('[V9] has other words after any change, and another commitment after those of the agent', () => {
    const words = vectors.cases.map((one) => one.words.join(' '));
    expect(new Set(words).size).toBe(7);
    expect(new Set(vectors.cases.map(({ commitment }) => commitment)).size).toBe(5);
  });

  it('takes the words from the list of BIP 39 as published', () => {
    expect(vectors.wordlistHash).toBe(
      '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda',
    );
  });

  it.each(vectors.ids)('writes and reads the id $text', ({ id, text }) => {
    expect(formatPairingId(fromHex(id))).toBe(text);
    expect(toHex(parsePairingId(text))).toBe(id);
    expect(text).toMatch(/^(\w{4}-){3}\w{4}$/);
  });

  it('reads an id as people type it and refuses others', () => {
    for (const { id, text } of vectors.acceptedIds) expect(toHex(parsePairingId(text))).toBe(id);
    for (const text of vectors.refusedIds) {
      expect(
        codeOf(() => parsePairingId(text)),
        text,
      ).toBe('invalid_request');
    }
    expect(() => formatPairingId(new Uint8Array(16))).toThrow(TypeError);
  });
});

describe('release', () => {
  const vectors = readVectors<{
    readonly challenges: readonly (Case & { readonly challenge: string })[];
    readonly seals: readonly { readonly requestHash: string; readonly info: string }[];
    readonly signatures: readonly (Case & { readonly message: string })[];
  }>('releases');

  it.each(vectors.challenges)('[V10] honest: challenge, $name', ({ fields, challenge }) => {
    const requestHash = bytesOf(fields, 'requestHash');
    const made = releaseChallenge({ requestHash, nonce: fields.nonce ?? '' });
    expect(encodeBase64url(made)).toBe(challenge);
  });

  it.each(vectors.seals)('info of the seal for $requestHash', ({ requestHash, info }) => {
    expect(toHex(releaseSealInfo(fromHex(requestHash)))).toBe(info);
  });

  it.each(vectors.signatures)('message of the signature, $name', ({ fields, message }) => {
    const made = releaseSignatureMessage({
      vaultId: fields.vaultId ?? '',
      requestHash: bytesOf(fields, 'requestHash'),
      enc: bytesOf(fields, 'enc'),
      ct: bytesOf(fields, 'ct'),
    });
    expect(toHex(made)).toBe(message);
  });

  it('[V10] changes with each field', () => {
    const { challenges, seals, signatures } = vectors;
    expect(new Set(challenges.map(({ challenge }) => challenge)).size).toBe(3);
    expect(new Set(seals.map(({ info }) => info)).size).toBe(2);
    expect(new Set(signatures.map(({ message }) => message)).size).toBe(5);
  });
});

describe('receipt', () => {
  const vectors = readVectors<{
    readonly cases: readonly {
      readonly name: string;
      readonly receipt: Readonly<Record<string, string>>;
      readonly bytes: string;
      readonly hash: string;
    }[];
    readonly refused: readonly { readonly name: string; readonly bytes: string }[];
  }>('receipts');
  const toReceipt = (one: Readonly<Record<string, string>>): Receipt => ({
    request: bytesOf(one, 'request'),
    agentSignature: bytesOf(one, 'agentSignature'),
    nonce: one.nonce ?? '',
    previous: bytesOf(one, 'previous'),
    authenticatorData: bytesOf(one, 'authenticatorData'),
    clientDataJSON: bytesOf(one, 'clientDataJSON'),
    signature: bytesOf(one, 'signature'),
    credentialId: one.credentialId ?? '',
    manifest: bytesOf(one, 'manifest'),
    manifestSignature: bytesOf(one, 'manifestSignature'),
  });
  const [first] = vectors.cases;
  if (first === undefined) throw new Error('no case');

  it.each(vectors.cases)('reads and writes: $name', ({ receipt, bytes, hash }) => {
    expect(toHex(formatReceipt(toReceipt(receipt)))).toBe(bytes);
    expect(parseReceipt(fromHex(bytes))).toEqual(toReceipt(receipt));
    expect(toHex(receiptHash(fromHex(bytes)))).toBe(hash);
  });

  it('has another hash after any change, and the next one names the one before', () => {
    expect(new Set(vectors.cases.map(({ hash }) => hash)).size).toBe(11);
    expect(vectors.cases.map(({ receipt }) => receipt.previous)).toContain(first.hash);
  });

  it.each(vectors.refused)('refuses $name', ({ bytes }) => {
    expect(codeOf(() => parseReceipt(fromHex(bytes)))).toBe('invalid_request');
  });

  it('refuses a manifest above 48 KiB, and writes none', () => {
    const receipt = toReceipt(first.receipt);
    const large = { ...receipt, manifest: new Uint8Array(48 * 1024 + 1) };
    expect(() => formatReceipt(large)).toThrow(TypeError);
    const most = { ...receipt, manifest: new Uint8Array(48 * 1024) };
    expect(parseReceipt(formatReceipt(most)).manifest).toHaveLength(48 * 1024);
  });

  it('one spelling only: what is taken is written in the same bytes', () => {
    const bytes = fromHex(first.bytes);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const changed = bytes.slice();
        changed[place] = (changed[place] ?? 0) ^ flip;
        let parsed: Receipt;
        try {
          parsed = parseReceipt(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' });
          return;
        }
        expect(toHex(formatReceipt(parsed))).toBe(toHex(changed));
      }),
      { numRuns: 1000 },
    );
  });
});
