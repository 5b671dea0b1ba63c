import * as v from 'valibot';
import { encodeBase64url, isBase64url } from '../base64url.js';
import { PzkError } from '../errors.js';
import { sha256 } from '../hash.js';
import { limits } from '../limits.js';
import {
  base64urlBetween,
  base64urlBytes,
  boundedArray,
  identifier,
  signature,
} from '../messages/wire-types.js';
import { successionSchema } from './succession.js';
import { sealedSchema, slotBlobsSchema } from './vault-entry.js';

const areUnique = (items: readonly { readonly id: string }[]) =>
  new Set(items.map(({ id }) => id)).size === items.length;

/**
 * A write of a vault: the next manifest, and what is new in it. What the manifest lists and the write
 * does not carry stays as it is stored; what it does not list is deleted.
 */
export const vaultWriteSchema = v.strictObject({
  /** Bytes of the next manifest. */
  manifest: base64urlBetween(2, limits.manifestBytes),
  manifest_signature: signature,
  /** Only where the identity key changes. */
  succession: v.optional(successionSchema),
  /** Recipients that are new or sealed anew. */
  recipients: v.pipe(
    boundedArray(
      v.strictObject({
        id: identifier,
        sealed: sealedSchema,
        /** Of the writer's own recipient where it changes, and of a recovery code's that it makes. */
        pin: v.optional(base64urlBytes(32)),
      }),
      0,
      limits.vaultRecipients,
    ),
    v.check((items) => areUnique(items)),
  ),
  /** Slots that are new or changed. */
  slots: v.pipe(
    slotBlobsSchema,
    v.check((items) => areUnique(items)),
  ),
});

/** A write of a vault on the wire. */
export type VaultWrite = v.InferOutput<typeof vaultWriteSchema>;

/** Entity tag of a vault without its quotes, as `etag` and `if_match` in bodies. */
export const etagText = base64urlBytes(32);

/** Entity tag of a vault whose manifest has these bytes, without the quotes that it has in `If-Match`. */
export function vaultEtag(manifest: Uint8Array): string {
  return encodeBase64url(sha256(manifest));
}

/** Value of the header `If-Match` (RFC 9110 section 13.1.1) for an entity tag without quotes. */
export function formatIfMatch(etag: string): string {
  return `"${etag}"`;
}

/**
 * Reads a header `If-Match` that names exactly one strong entity tag of a vault; gives it without
 * quotes.
 *
 * @throws PzkError `invalid_request`, also where there is no such header: nothing is written blindly.
 */
export function parseIfMatch(header: string | null | undefined): string {
  const etag = /^"([A-Za-z0-9_-]{43})"$/.exec(header ?? '')?.[1];
  if (etag === undefined || !isBase64url(etag, 32)) {
    throw new PzkError('invalid_request', 'If-Match names no entity tag of a vault.');
  }
  return etag;
}
