import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importHpkePublicKey } from '../../src/vault/hpke.js';
import { verifyIdentitySignature } from '../../src/vault/identity-key.js';

const directory = new URL('../../../../../shared/vectors/wycheproof/', import.meta.url);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (value: ArrayBuffer) => Buffer.from(value).toString('hex');

interface Group<Test> {
  readonly tests: readonly (Test & { readonly tcId: number; readonly result: string })[];
  readonly [member: string]: unknown;
}

function read<Test>(name: string): readonly Group<Test>[] {
  const file = new URL(`${name}_test.json`, directory);
  return (JSON.parse(readFileSync(file, 'utf8')) as { testGroups: Group<Test>[] }).testGroups;
}

// The engine under the vault: what it accepts and refuses, with the parameters that the vault uses.
describe.runIf(existsSync(directory))('Wycheproof', () => {
  it('AES-256-GCM with IVs of 96 and tags of 128 bits', async () => {
    interface Test {
      readonly key: string;
      readonly iv: string;
      readonly aad: string;
      readonly msg: string;
      readonly ct: string;
      readonly tag: string;
    }
    let count = 0;
    for (const { tests, keySize, ivSize, tagSize } of read<Test>('aes_gcm')) {
      if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) continue;
      for (const { key, iv, aad, msg, ct, tag, result, tcId } of tests) {
        const aes = await crypto.subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['decrypt']);
        const parameters = { name: 'AES-GCM', iv: bytes(iv), tagLength: 128 };
        const opening = crypto.subtle.decrypt(
          { ...parameters, additionalData: bytes(aad) },
          aes,
          bytes(ct + tag),
        );
        const opened = await opening.then(hex, () => 'refused');
        expect(opened, `test ${tcId}`).toBe(result === 'valid' ? msg : 'refused');
        count++;
      }
    }
    expect(count).toBeGreaterThan(30);
  });

  it('ECDSA on P-256 with SHA-256, as identity keys and agents sign', async () => {
    interface Test {
      readonly msg: string;
      readonly sig: string;
    }
    let count = 0;
    for (const { tests, publicKey } of read<Test>('ecdsa_secp256r1_sha256_p1363')) {
      const { uncompressed } = publicKey as { readonly uncompressed: string };
      for (const { msg, sig, result, tcId } of tests) {
        const valid = await verifyIdentitySignature(bytes(uncompressed), bytes(sig), bytes(msg));
        expect(valid, `test ${tcId}`).toBe(result === 'valid');
        count++;
      }
    }
    expect(count).toBeGreaterThan(200);
  });

  it('[V12] points on P-256: HPKE takes those on the curve alone', async () => {
    interface Test {
      readonly public: string;
      readonly private: string;
      readonly shared: string;
      readonly flags: readonly string[];
    }
    let taken = 0;
    let refused = 0;
    for (const { tests } of read<Test>('ecdh_secp256r1')) {
      for (const { public: spki, result, flags, tcId } of tests) {
        // An uncompressed point at the end of the SubjectPublicKeyInfo, as HPKE has it on the wire.
        const encoded = bytes(spki);
        const point = encoded.subarray(-65);
        if (encoded.length < 65 || point[0] !== 4) continue;
        const isPoint = await importHpkePublicKey(point).then(
          () => true,
          () => false,
        );
        if (flags.includes('InvalidCurveAttack')) {
          expect(isPoint, `test ${tcId}`).toBe(false);
          refused++;
        } else if (result === 'valid') {
          expect(isPoint, `test ${tcId}`).toBe(true);
          taken++;
        }
      }
    }
    expect(taken).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(0);
  });

  it('HKDF-SHA256', async () => {
    interface Test {
      readonly ikm: string;
      readonly salt: string;
      readonly info: string;
      readonly size: number;
      readonly okm: string;
    }
    for (const { tests } of read<Test>('hkdf_sha256')) {
      for (const { ikm, salt, info, size, okm, result, tcId } of tests) {
        const key = await crypto.subtle.importKey('raw', bytes(ikm), 'HKDF', false, ['deriveBits']);
        const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: bytes(salt), info: bytes(info) };
        const derived = await crypto.subtle
          .deriveBits(hkdf, key, size * 8)
          .then(hex, () => 'refused');
        expect(derived, `test ${tcId}`).toBe(result === 'valid' ? okm : 'refused');
      }
    }
  });

  it('HMAC-SHA256, with tags of full length', async () => {
    interface Test {
      readonly key: string;
      readonly msg: string;
      readonly tag: string;
    }
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    let count = 0;
    for (const { tests, tagSize } of read<Test>('hmac_sha256')) {
      if (tagSize !== 256) continue;
      for (const { key, msg, tag, result, tcId } of tests) {
        if (key === '') continue;
        const hmac = await crypto.subtle.importKey('raw', bytes(key), algorithm, false, ['verify']);
        const valid = await crypto.subtle.verify('HMAC', hmac, bytes(tag), bytes(msg));
        expect(valid, `test ${tcId}`).toBe(result === 'valid');
        count++;
      }
    }
    expect(count).toBeGreaterThan(50);
  });
});
