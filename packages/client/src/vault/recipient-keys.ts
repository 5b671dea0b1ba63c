import { type Bytes, hpkeInfo, pinKeyInfo, type RecipientDerivation } from '@pzk-auth/protocol';
import { deriveHpkeKeyPair, serializeHpkePublicKey } from './hpke.js';

const HPKE_IKM_BITS = 256;
const PIN_KEY = { name: 'HMAC', hash: 'SHA-256', length: 256 } as const;

/** The keys of a recipient; derived anew at each opening and stored nowhere. */
export interface RecipientKeys {
  readonly hpke: CryptoKeyPair;
  /** 65 bytes SEC1. */
  readonly hpkePublicKey: Bytes;
  /** HMAC key of the pin. */
  readonly pinKey: CryptoKey;
}

/**
 * Derives a recipient's keys from its secret: one HKDF info per purpose, so that neither key tells
 * anything about the other.
 *
 * @param salt - 32 bytes from the recipient's roster entry.
 */
export async function deriveRecipientKeys(
  secret: CryptoKey,
  fields: RecipientDerivation,
  salt: Bytes,
): Promise<RecipientKeys> {
  const hkdf = (info: Bytes) => ({ name: 'HKDF', hash: 'SHA-256', salt, info });
  const ikm = new Uint8Array(
    await crypto.subtle.deriveBits(hkdf(hpkeInfo(fields)), secret, HPKE_IKM_BITS),
  );
  try {
    const hpke = await deriveHpkeKeyPair(ikm);
    const pinInfo = hkdf(pinKeyInfo(fields));
    return {
      hpke,
      hpkePublicKey: await serializeHpkePublicKey(hpke.publicKey),
      pinKey: await crypto.subtle.deriveKey(pinInfo, secret, PIN_KEY, false, ['sign', 'verify']),
    };
  } finally {
    ikm.fill(0);
  }
}
