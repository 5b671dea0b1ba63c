import type { Bytes } from '../bytes.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';

/** Bytes of an uncompressed SEC1 point on P-256. */
export const SEC1_POINT_BYTES = 65;
/** Bytes of the vault key and of the identity key's scalar, one after the other. */
export const VAULT_SECRET_BYTES = 64;
/** AES-GCM tag, always 128 bits; its length is never taken from stored data. */
export const GCM_TAG_BYTES = 16;
/** AES-GCM IV, always 96 bits. */
export const GCM_IV_BYTES = 12;

/** What the sealing of the vault's secrets to a recipient is bound to. */
export interface VaultSealFields {
  readonly issuer: string;
  readonly vaultId: string;
  readonly recipientId: string;
  /** The manifest's counter at the time of sealing. */
  readonly counter: number;
}

/** HPKE `info` (RFC 9180 section 5) for sealing the vault's secrets to a recipient. */
export function vaultSealInfo(fields: VaultSealFields): Bytes {
  return lp(labels.vaultSeal, fields.issuer, fields.vaultId, fields.recipientId, fields.counter);
}

/** What a pin covers. */
export interface PinFields {
  readonly issuer: string;
  readonly vaultId: string;
  readonly recipientId: string;
  /** 65 bytes SEC1. */
  readonly identityKey: Uint8Array;
}

/** The message of a pin: HMAC-SHA256 under the recipient's pin key says who may sign this vault. */
export function pinMessage(fields: PinFields): Bytes {
  return lp(labels.pin, fields.issuer, fields.vaultId, fields.recipientId, fields.identityKey);
}

/** What a pin that is sent without a write is signed with. */
export interface PinWriteFields extends PinFields {
  /** HKDF salt of the recipient, 32 bytes: a pin of its keys before does not come back. */
  readonly salt: Uint8Array;
  /** 32 bytes. */
  readonly pin: Uint8Array;
}

/**
 * What the identity key signs for a pin that is sent without a write: ECDSA P-256 with SHA-256, 64
 * bytes r and s.
 */
export function pinWriteMessage(fields: PinWriteFields): Bytes {
  const { issuer, vaultId, recipientId, salt, identityKey, pin } = fields;
  return lp(labels.pinWrite, issuer, vaultId, recipientId, salt, identityKey, pin);
}
