import {
  decodeBase64url,
  equalBytes,
  PzkError,
  sha256,
  type VaultManifest,
} from '@pzk-auth/protocol';

/** What a client remembers of a vault, to notice when a server shows it an older or another one. */
export interface VaultMemory {
  readonly vaultId: string;
  /** base64url of 65 bytes SEC1. */
  readonly identityKey: string;
  readonly counter: number;
  /** SHA-256 of the manifest's bytes. */
  readonly manifestHash: Uint8Array;
}

/** What to remember of a manifest that passed every check. */
export function rememberManifest(manifest: VaultManifest, bytes: Uint8Array): VaultMemory {
  return {
    vaultId: manifest.vault_id,
    identityKey: manifest.identity_key,
    counter: manifest.counter,
    manifestHash: sha256(bytes),
  };
}

/**
 * Refuses a manifest of another vault or signer than is remembered, one that goes back behind what is
 * remembered, and one that forked off before it. Check its signature first. Further
 * than one step ahead the chain is not visible here: the signature of the remembered identity key
 * then stands for the steps between.
 *
 * @throws PzkError `vault_rollback`
 */
export function assertNotRolledBack(
  manifest: VaultManifest,
  bytes: Uint8Array,
  memory: VaultMemory,
): void {
  const sameVault =
    manifest.vault_id === memory.vaultId && manifest.identity_key === memory.identityKey;
  const same =
    manifest.counter === memory.counter && equalBytes(sha256(bytes), memory.manifestHash);
  const next =
    manifest.counter === memory.counter + 1 &&
    manifest.previous !== '' &&
    equalBytes(decodeBase64url(manifest.previous), memory.manifestHash);
  const later = manifest.counter > memory.counter + 1;
  if (sameVault && (same || next || later)) return;
  throw new PzkError('vault_rollback', 'The server shows another vault than this device knows.', {
    hint: sameVault
      ? 'The service may have restored a backup. Ask its operator before you go on.'
      : 'The vault may have been replaced. Do not enter the API key; ask the operator.',
  });
}
