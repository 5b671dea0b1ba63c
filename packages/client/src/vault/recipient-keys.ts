import {
  type Bytes,
  equalBytes,
  hpkeInfo,
  PzkError,
  pinKeyInfo,
  type RecipientDerivation,
} from '@pzk-auth/protocol';
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

/** The secret of a new recipient, and a second derivation of it. */
export interface ConfirmedSecret {
  /** HKDF key of a PRF output of `get()`, or of another 32 bytes. */
  readonly secret: CryptoKey;
  /** Absent where the secret is no PRF output. */
  readonly confirmation?: CryptoKey | undefined;
}

/**
 * Derives the keys of a recipient anew, and compares them with those that its secret gave before. Compared
 * through their public keys, so that no PRF output has to be held as bytes, nor any at all.
 *
 * @param seen - The HPKE public key of then.
 * @throws PzkError `prf_mismatch`
 */
export async function deriveSameKeys(
  secret: CryptoKey,
  fields: RecipientDerivation,
  salt: Bytes,
  seen: Bytes,
): Promise<RecipientKeys> {
  const keys = await deriveRecipientKeys(secret, fields, salt);
  if (equalBytes(keys.hpkePublicKey, seen)) return keys;
  throw new PzkError('prf_mismatch', 'The passkey gave two different secrets.', {
    hint: 'Use a passkey on this device instead of one on another device, or update it.',
  });
}

/**
 * Derives the keys of a new recipient, to whom a vault may be sealed.
 *
 * @throws PzkError `prf_mismatch` if the two derivations of the secret disagree: such a vault could
 * never be opened again.
 */
export async function deriveConfirmedKeys(
  { secret, confirmation }: ConfirmedSecret,
  fields: RecipientDerivation,
  salt: Bytes,
): Promise<RecipientKeys> {
  const keys = await deriveRecipientKeys(secret, fields, salt);
  if (confirmation === undefined) return keys;
  return deriveSameKeys(confirmation, fields, salt, keys.hpkePublicKey);
}
