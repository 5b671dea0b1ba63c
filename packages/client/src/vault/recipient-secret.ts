import type { Bytes } from '@pzk-auth/protocol';

/** Bytes of a recipient's secret: a PRF output, or random where no PRF stands behind it. */
export const RECIPIENT_SECRET_BYTES = 32;

/**
 * Turns a recipient's secret into a non-extractable HKDF key and overwrites the bytes. From here on
 * no script can read the secret back, only derive from it.
 */
export async function importRecipientSecret(secret: Bytes): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits', 'deriveKey']);
  } finally {
    secret.fill(0);
  }
}
