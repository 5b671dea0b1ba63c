import type { Bytes, RecipientDerivation, VaultManifest, VaultRecipient } from '@pzk-auth/protocol';
import { deriveRecipientKeys } from './recipient-keys.js';

/**
 * What is kept of a PRF generation that a touch gave, until another one confirms it (docs/protocol.md section
 * 12.14). Nothing of it is secret: the public key tells whether the secret comes again.
 */
export interface SeenGeneration {
  readonly fields: RecipientDerivation;
  /** 32 bytes. */
  readonly salt: Bytes;
  /** 65 bytes SEC1. */
  readonly hpkePublicKey: Bytes;
}

/** Where the keys of an open vault's own recipient would be derived in its next generation. */
export function nextDerivation(vault: {
  readonly manifest: VaultManifest;
  readonly recipient: VaultRecipient;
}): RecipientDerivation {
  const { issuer, vault_id: vaultId } = vault.manifest;
  const { credential_id: credentialId, generation } = vault.recipient;
  return { issuer, vaultId, credentialId, generation: generation + 1 };
}

/** Notes a generation by its secret, and keeps nothing of the secret. */
export async function noteGeneration(
  fields: RecipientDerivation,
  secret: CryptoKey,
): Promise<SeenGeneration> {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const { hpkePublicKey } = await deriveRecipientKeys(secret, fields, salt);
  return { fields, salt, hpkePublicKey };
}
