import * as v from 'valibot';
import type { Bytes } from '../bytes.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import { limits } from '../limits.js';
import {
  base64urlBytes,
  boundedArray,
  count,
  identifier,
  publicPoint,
  signature,
} from '../messages/wire-types.js';

/** What an identity key signs for its successor. */
export interface SuccessionFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** The key that signs, 65 bytes SEC1. */
  readonly oldIdentityKey: Uint8Array;
  /** 65 bytes SEC1. */
  readonly newIdentityKey: Uint8Array;
  /** Counter of the first manifest that the new key signs. */
  readonly counter: number;
  /** SHA-256 of the bytes of the manifest before that one. */
  readonly previous: Uint8Array;
  /** Recipient id of the device that rotates. */
  readonly by: string;
}

/** The message of a succession: ECDSA P-256 with SHA-256 by the old identity key, 64 bytes r and s. */
export function successionMessage(fields: SuccessionFields): Bytes {
  const { issuer, vaultId, oldIdentityKey, newIdentityKey, counter, previous, by } = fields;
  return lp(
    labels.succession,
    issuer,
    vaultId,
    oldIdentityKey,
    newIdentityKey,
    counter,
    previous,
    by,
  );
}

/** The step from one identity key to the next. */
export const successionSchema = v.strictObject({
  /** The key that signs, SEC1. A pin is no place to read it from. */
  old_identity_key: publicPoint,
  /** The new one, SEC1. */
  identity_key: publicPoint,
  counter: count,
  /** SHA-256 of the previous manifest. */
  previous: base64urlBytes(32),
  /** Recipient id of the device that rotated. */
  by: identifier,
  signature,
});

/** The newest successions of a vault, oldest first. */
export const successionsSchema = boundedArray(successionSchema, 0, limits.vaultSuccessions);

/** A succession on the wire. */
export type Succession = v.InferOutput<typeof successionSchema>;
