import type { Bytes } from '../bytes.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';

/** Bytes of the code of an invitation, random; carried outside the platform. */
export const INVITATION_CODE_BYTES = 16;

/** HKDF info of an invitation's id: HKDF-SHA256 of the code with an empty salt, 16 bytes. */
export function invitationIdInfo(issuer: string): Bytes {
  return lp(labels.inviteId, issuer);
}

/** HKDF info of the HMAC key that vouches for a new recipient: of the code, empty salt, 32 bytes. */
export function invitationNewKeyInfo(issuer: string): Bytes {
  return lp(labels.inviteMacNew, issuer);
}

/** HKDF info of the HMAC key that vouches for the vault: of the code, empty salt, 32 bytes. */
export function invitationOldKeyInfo(issuer: string): Bytes {
  return lp(labels.inviteMacOld, issuer);
}

/** What the inviting device says about the vault. */
export interface InvitationOldFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** Id of the invitation, base64url. */
  readonly id: string;
  /** 65 bytes SEC1. */
  readonly identityKey: Uint8Array;
  /** Of the manifest that the inviting device has opened. */
  readonly counter: number;
  /** SHA-256 of that manifest's bytes. */
  readonly manifestHash: Uint8Array;
}

/** The message of `mac_old`: HMAC-SHA256 under the key of {@link invitationOldKeyInfo}. */
export function invitationOldMessage(fields: InvitationOldFields): Bytes {
  const { issuer, vaultId, id, identityKey, counter, manifestHash } = fields;
  return lp(labels.inviteMacOld, issuer, vaultId, id, identityKey, counter, manifestHash);
}

/** What the joining browser says about itself. */
export interface InvitationNewFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** Id of the invitation, base64url. */
  readonly id: string;
  /** Chosen by the joining browser, base64url. */
  readonly recipientId: string;
  /** 65 bytes SEC1. */
  readonly hpkeKey: Uint8Array;
  /** base64url. */
  readonly credentialId: string;
  /** The exact slice of authData, as registered. */
  readonly coseKey: Uint8Array;
  /** HKDF salt of the recipient, 32 bytes. */
  readonly salt: Uint8Array;
  readonly generation: number;
}

/** The message of `mac_new`: HMAC-SHA256 under the key of {@link invitationNewKeyInfo}. */
export function invitationNewMessage(fields: InvitationNewFields): Bytes {
  const { issuer, vaultId, id, recipientId, hpkeKey, credentialId, coseKey, salt } = fields;
  return lp(
    labels.inviteMacNew,
    issuer,
    vaultId,
    id,
    recipientId,
    hpkeKey,
    credentialId,
    sha256(coseKey),
    salt,
    fields.generation,
  );
}
