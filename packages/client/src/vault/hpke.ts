import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Bytes } from '@pzk-auth/protocol';

/** The one suite of the vault (RFC 9180 section 7): nothing stored can ask for another. */
function createSuite(): CipherSuite {
  return new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
}

/** An HPKE message in base mode with an empty AAD. */
export interface HpkeSealed {
  /** Encapsulated key, 65 bytes SEC1. */
  readonly enc: Bytes;
  /** Ciphertext and 16 bytes of tag. */
  readonly ct: Bytes;
}

/** DeriveKeyPair (RFC 9180 section 7.1.3). */
export function deriveHpkeKeyPair(ikm: Bytes): Promise<CryptoKeyPair> {
  return createSuite().kem.deriveKeyPair(ikm.buffer);
}

/** SerializePublicKey (RFC 9180 section 7.1.1): 65 bytes SEC1. */
export async function serializeHpkePublicKey(publicKey: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await createSuite().kem.serializePublicKey(publicKey));
}

/**
 * DeserializePublicKey (RFC 9180 section 7.1.1).
 *
 * @throws Error of the library where the bytes are no point on the curve (section 7.1.4).
 */
export function importHpkePublicKey(publicKey: Bytes): Promise<CryptoKey> {
  return createSuite().kem.deserializePublicKey(publicKey.slice().buffer);
}

/** SealBase (RFC 9180 section 6.1). */
export async function sealHpke(
  publicKey: CryptoKey,
  info: Bytes,
  plaintext: Bytes,
): Promise<HpkeSealed> {
  const sealed = await createSuite().seal({ recipientPublicKey: publicKey, info }, plaintext);
  return { enc: new Uint8Array(sealed.enc), ct: new Uint8Array(sealed.ct) };
}

/**
 * OpenBase (RFC 9180 section 6.1). Says nothing about who sealed.
 *
 * @throws Error of the library where the message does not open.
 */
export async function openHpke(
  keyPair: CryptoKeyPair,
  info: Bytes,
  sealed: HpkeSealed,
): Promise<Bytes> {
  const parameters = { recipientKey: keyPair, enc: sealed.enc, info };
  return new Uint8Array(await createSuite().open(parameters, sealed.ct));
}
