import {
  blobHash,
  DEVICE_SECRET_GENERATION,
  decodeBase64url,
  encodeBase64url,
  manifestSignatureMessage,
  mayBeSealed,
  parseManifest,
  sealedHash,
  type VaultEntry,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import { isP256Point, isSignedByP256 } from './p256.js';

/** What a first vault entry has to agree with. */
export interface VaultEntryExpectation {
  readonly issuer: string;
  readonly credentialId: string;
  readonly coseKey: Uint8Array;
  /** base64url. */
  readonly recipientKey: string;
}

function isSigned(entry: VaultEntry, manifest: VaultManifest, bytes: Uint8Array): boolean {
  const message = manifestSignatureMessage(entry.vault_id, bytes);
  return isSignedByP256(manifest.identity_key, message, entry.manifest_signature);
}

/**
 * Checks that a first vault entry is whole and belongs to the device that sends it, so that a client's
 * fault shows at enrolment and not at the first opening. Nothing here opens anything: the server holds
 * no key to it, and the checks that protect the user are the client's.
 *
 * @returns How the recipient's secret is protected, as the signed manifest says.
 * @throws PzkError `invalid_request`
 */
export function checkVaultEntry(
  entry: VaultEntry,
  expected: VaultEntryExpectation,
): 'passkey' | 'device' {
  const bytes = decodeBase64url(entry.manifest);
  let manifest: VaultManifest;
  try {
    manifest = parseManifest(bytes);
  } catch (cause) {
    throw refusal('invalid_request', 'The manifest is malformed.', cause);
  }
  const [recipient, ...others] = manifest.recipients;
  const fits =
    recipient !== undefined &&
    others.length === 0 &&
    manifest.issuer === expected.issuer &&
    manifest.vault_id === entry.vault_id &&
    manifest.counter === 1 &&
    manifest.previous === '' &&
    manifest.agents.length === 0 &&
    manifest.receipts_head === '' &&
    recipient.counter === 1 &&
    recipient.credential_id === expected.credentialId &&
    recipient.cose_key === encodeBase64url(expected.coseKey) &&
    recipient.hpke_key === expected.recipientKey &&
    isP256Point(recipient.hpke_key) &&
    recipient.sealed_hash === encodeBase64url(sealedHash(entry.sealed)) &&
    manifest.slots.length === entry.slots.length &&
    manifest.slots.every((slot, index) => {
      const sent = entry.slots[index];
      return (
        sent?.id === slot.id &&
        encodeBase64url(blobHash(sent.blob)) === slot.blob_hash &&
        mayBeSealed(slot.kind, sent.blob)
      );
    });
  if (!fits || !isSigned(entry, manifest, bytes)) {
    throw refusal('invalid_request', 'The vault entry does not agree with its manifest.');
  }
  return recipient.generation === DEVICE_SECRET_GENERATION ? 'device' : 'passkey';
}
