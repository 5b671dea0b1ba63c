import { type CBORType, encodeCBOR } from '@levischuck/tiny-cbor';
import { type Bytes, concatBytes, sha256 } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { verifyPasskeySignature } from '../../src/release/passkey-signature.js';
import { encodeCoseKey } from '../../src/testing/authenticator-data.js';
import { encodeDerSignature } from '../../src/testing/ecdsa-der.js';
import { randomBytes } from '../vault/craft-vault.js';

const authenticatorData = randomBytes(37);
const clientDataJSON = new TextEncoder().encode('{"type":"webauthn.get"}');
const message = concatBytes(authenticatorData, sha256(clientDataJSON));
const cose = (entries: [number, CBORType][]): Bytes =>
  new Uint8Array(encodeCBOR(new Map<number, CBORType>(entries)));

const bytesOf = (text: string | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(text ?? '', 'base64url'));

async function sign(name: 'ES256' | 'EdDSA' | 'RS256') {
  const algorithms = {
    ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    EdDSA: { name: 'Ed25519' },
    RS256: {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
    },
  };
  const algorithm = algorithms[name];
  const pair = (await crypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, message));
  const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const [x, y, n, e] = [jwk.x, jwk.y, jwk.n, jwk.e].map(bytesOf) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const keys: Record<typeof name, Bytes> = {
    ES256: encodeCoseKey(concatBytes(Uint8Array.of(4), x, y)),
    EdDSA: cose([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, x],
    ]),
    RS256: cose([
      [1, 3],
      [3, -257],
      [-1, n],
      [-2, e],
    ]),
  };
  const signature = name === 'ES256' ? encodeDerSignature(raw) : raw;
  return { coseKey: keys[name], authenticatorData, clientDataJSON, signature, raw };
}

describe.each(['ES256', 'EdDSA', 'RS256'] as const)('a passkey that signs with %s', (name) => {
  it('[V5, V12] honest: verifies', async () => {
    // Signatures of which r or s is short are rare: several, so that one with a leading zero comes.
    for (let count = 0; count < (name === 'ES256' ? 20 : 1); count++) {
      expect(await verifyPasskeySignature(await sign(name))).toBe(true);
    }
  });

  it('[V5] does not with any byte of it flipped, cut short, or with more behind it', async () => {
    const fields = await sign(name);
    for (const part of ['signature', 'authenticatorData', 'clientDataJSON'] as const) {
      const bytes = fields[part];
      for (let index = 0; index < bytes.length; index++) {
        const flipped = bytes.slice();
        flipped[index] = (flipped[index] ?? 0) ^ 0x80;
        expect(await verifyPasskeySignature({ ...fields, [part]: flipped })).toBe(false);
      }
    }
    const { signature } = fields;
    for (const wrong of [
      new Uint8Array(),
      signature.slice(0, -1),
      concatBytes(signature, Uint8Array.of(0)),
    ]) {
      expect(await verifyPasskeySignature({ ...fields, signature: new Uint8Array(wrong) })).toBe(
        false,
      );
    }
  });
});

it('[V12] keys of other forms, curves and lengths verify nothing', async () => {
  const { raw, ...fields } = await sign('ES256');
  expect(await verifyPasskeySignature({ ...fields, signature: raw })).toBe(false);
  const zero = new Uint8Array(32);
  const wrong: Bytes[] = [
    new Uint8Array(),
    randomBytes(77),
    cose([
      [1, 2],
      [3, -7],
      [-1, 2],
      [-2, zero],
      [-3, zero],
    ]),
    cose([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, zero],
      [-3, zero],
    ]),
    cose([
      [1, 2],
      [3, -35],
      [-1, 1],
      [-2, zero],
      [-3, zero],
    ]),
    cose([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, zero],
    ]),
    cose([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, new Uint8Array(31)],
    ]),
    cose([
      [1, 3],
      [3, -257],
      [-1, new Uint8Array(513).fill(255)],
      [-2, Uint8Array.of(1, 0, 1)],
    ]),
    cose([
      [1, '2'],
      [3, '-7'],
    ]),
  ];
  for (const coseKey of wrong) {
    expect(await verifyPasskeySignature({ ...fields, coseKey })).toBe(false);
  }
});
