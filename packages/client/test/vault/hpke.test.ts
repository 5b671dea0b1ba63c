import { existsSync, readFileSync } from 'node:fs';
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { describe, expect, it } from 'vitest';
import {
  deriveHpkeKeyPair,
  openHpke,
  sealHpke,
  serializeHpkePublicKey,
} from '../../src/vault/hpke.js';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const file = new URL('../../../../../shared/vectors/hpke-rfc9180/subset.json', import.meta.url);

interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly ikmR: string;
  readonly pkRm: string;
  readonly enc: string;
  readonly info: string;
  readonly encryptions: readonly { ct: string; aad: string; pt: string }[];
}

describe('HPKE, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM', () => {
  it('derives key pairs as RFC 9180 appendix A.3 does', async () => {
    // RFC 9180 A.3.1: ikmR and pkRm.
    const ikm = bytes('668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550');
    const pair = await deriveHpkeKeyPair(ikm);
    expect(Buffer.from(await serializeHpkePublicKey(pair.publicKey)).toString('hex')).toBe(
      '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
    );
  });

  it.runIf(existsSync(file))('derives every P-256 recipient of the public vectors', async () => {
    const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: HpkeVector[] };
    const chosen = vectors.filter((one) => one.kem_id === 0x0010);
    expect(chosen.length).toBeGreaterThan(0);
    for (const vector of chosen) {
      const pair = await deriveHpkeKeyPair(bytes(vector.ikmR));
      const publicKey = await serializeHpkePublicKey(pair.publicKey);
      expect(Buffer.from(publicKey).toString('hex')).toBe(vector.pkRm);
    }
  });

  it.runIf(existsSync(file))(
    'opens the messages of the public vectors with the same suite',
    async () => {
      const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: HpkeVector[] };
      const suite = new CipherSuite({
        kem: new DhkemP256HkdfSha256(),
        kdf: new HkdfSha256(),
        aead: new Aes256Gcm(),
      });
      const chosen = vectors.filter(
        (one) => one.mode === 0 && one.kem_id === 0x0010 && one.kdf_id === 1 && one.aead_id === 2,
      );
      expect(chosen.length).toBeGreaterThan(0);
      for (const { ikmR, enc, info, encryptions } of chosen) {
        const recipientKey = await deriveHpkeKeyPair(bytes(ikmR));
        const [{ ct, aad, pt } = { ct: '', aad: '', pt: '' }] = encryptions;
        const parameters = { recipientKey, enc: bytes(enc), info: bytes(info) };
        const opened = await suite.open(parameters, bytes(ct), bytes(aad));
        expect(Buffer.from(opened).toString('hex')).toBe(pt);
      }
    },
  );

  it('opens what it sealed, for the same info alone', async () => {
    const pair = await deriveHpkeKeyPair(crypto.getRandomValues(new Uint8Array(32)));
    const info = new TextEncoder().encode('info');
    const secret = crypto.getRandomValues(new Uint8Array(64));
    const sealed = await sealHpke(pair.publicKey, info, secret);
    expect(sealed.enc.length).toBe(65);
    expect(sealed.ct.length).toBe(80);
    expect(await openHpke(pair, info, sealed)).toEqual(secret);
    await expect(openHpke(pair, new TextEncoder().encode('other'), sealed)).rejects.toThrow();
  });
});
