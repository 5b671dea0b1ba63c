import type { Bytes } from './bytes.js';
import { sha256 } from './hash.js';
import { labels } from './labels.js';
import { lp } from './length-prefix.js';

/** First generation of PRF inputs. Zero marks a recipient that stands on no PRF at all. */
export const FIRST_PRF_GENERATION = 1;

/** Generation of a recipient whose secret rests on the device's storage, not on a passkey. */
export const DEVICE_SECRET_GENERATION = 0;

/**
 * The PRF input of a generation (WebAuthn L3 section 10.1.4), 32 bytes. A passkey of the same RP at
 * another issuer, or in another generation, gives an unrelated output.
 */
export function prfInput(issuer: string, generation: number): Bytes {
  return sha256(lp(labels.prf, issuer, generation));
}

/** What a key of a recipient is derived for. */
export interface RecipientDerivation {
  readonly issuer: string;
  readonly vaultId: string;
  /** Credential id, base64url, or `recovery`. */
  readonly credentialId: string;
  readonly generation: number;
}

function recipientInfo(label: string, fields: RecipientDerivation): Bytes {
  return lp(label, fields.issuer, fields.vaultId, fields.credentialId, fields.generation);
}

/** HKDF info of the input key material of a recipient's HPKE key pair. */
export function hpkeInfo(fields: RecipientDerivation): Bytes {
  return recipientInfo(labels.hpke, fields);
}

/** HKDF info of a recipient's pin key. */
export function pinKeyInfo(fields: RecipientDerivation): Bytes {
  return recipientInfo(labels.pin, fields);
}
