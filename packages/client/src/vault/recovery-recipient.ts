import {
  type Bytes,
  encodeBase64url,
  FIRST_PRF_GENERATION,
  formatEs256CoseKey,
  RECOVERY,
  recoveryKeyInfo,
} from '@pzk-auth/protocol';
import { deriveHpkeKeyPair, serializeHpkePublicKey } from './hpke.js';
import { signWithScalar } from './identity-key.js';
import { randomId } from './random-id.js';
import { deriveRecipientKeys, type RecipientKeys } from './recipient-keys.js';
import { importRecipientSecret } from './recipient-secret.js';
import type { RecipientIdentity } from './seal-recipient.js';

/** What opens and signs with a recovery code (docs/protocol.md section 12.13). */
export interface RecoveryKeys {
  /** HKDF key: the secret of the recipient. */
  readonly secret: CryptoKey;
  /** Public key of the code's signing key, 65 bytes SEC1. */
  readonly publicKey: Bytes;
  /** ECDSA with SHA-256, 64 bytes r and s. */
  sign(message: Bytes): Promise<Bytes>;
}

/** Before the 32 bytes of a scalar in any PKCS #8 of a P-256 key: version 1, OCTET STRING (RFC 5915). */
const SCALAR_MARK = Uint8Array.of(0x02, 0x01, 0x01, 0x04, 0x20);

/** The scalar of a private key that was derived here. */
async function exportScalar(privateKey: CryptoKey): Promise<Bytes> {
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey));
  try {
    // Engines differ in whether the public key follows, and so in the lengths before.
    const start = pkcs8.findIndex((_, index) =>
      SCALAR_MARK.every((byte, offset) => pkcs8[index + offset] === byte),
    );
    if (start < 0) throw new TypeError('This engine writes PKCS #8 in another form.');
    return pkcs8.slice(start + SCALAR_MARK.length, start + SCALAR_MARK.length + 32);
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * Derives the keys of a recovery code, and overwrites the code.
 *
 * @param code - 32 bytes.
 */
export async function deriveRecoveryKeys(code: Bytes, issuer: string): Promise<RecoveryKeys> {
  const secret = await importRecipientSecret(code);
  const info = recoveryKeyInfo(issuer);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  const ikm = new Uint8Array(await crypto.subtle.deriveBits(hkdf, secret, 256));
  try {
    const pair = await deriveHpkeKeyPair(ikm);
    const publicKey = await serializeHpkePublicKey(pair.publicKey);
    return {
      secret,
      publicKey,
      async sign(message) {
        // Out of the key only while it signs.
        const scalar = await exportScalar(pair.privateKey);
        try {
          return await signWithScalar(scalar, publicKey, message);
        } finally {
          scalar.fill(0);
        }
      },
    };
  } finally {
    ikm.fill(0);
  }
}

/** A recovery code as a new recipient of a vault. */
export async function describeRecoveryRecipient(
  { secret, publicKey }: RecoveryKeys,
  { issuer, vaultId }: { readonly issuer: string; readonly vaultId: string },
): Promise<{ readonly identity: RecipientIdentity; readonly keys: RecipientKeys }> {
  const generation = FIRST_PRF_GENERATION;
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const derivation = { issuer, vaultId, credentialId: RECOVERY, generation };
  const keys = await deriveRecipientKeys(secret, derivation, salt);
  return {
    keys,
    identity: {
      id: randomId(),
      hpke_key: encodeBase64url(keys.hpkePublicKey),
      credential_id: RECOVERY,
      cose_key: encodeBase64url(formatEs256CoseKey(publicKey)),
      salt: encodeBase64url(salt),
      generation,
    },
  };
}
