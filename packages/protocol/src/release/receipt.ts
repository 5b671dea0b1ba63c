import * as v from 'valibot';
import type { Bytes } from '../bytes.js';
import { PzkError } from '../errors.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp, splitLengthPrefixed } from '../length-prefix.js';
import { limits } from '../limits.js';
import { credentialId, nonceText } from '../messages/wire-types.js';

/** What shows offline that a passkey of the manifest approved a request. It proves no delivery. */
export interface Receipt {
  /** Bytes of the agent's request. */
  readonly request: Uint8Array;
  /** The agent's signature over them, 64 bytes. */
  readonly agentSignature: Uint8Array;
  /** Nonce of the approval. */
  readonly nonce: string;
  /** Hash of the receipt before; empty for the first. */
  readonly previous: Uint8Array;
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  /** The passkey's, as WebAuthn gives it. */
  readonly signature: Uint8Array;
  /** base64url. */
  readonly credentialId: string;
  /** Bytes of the manifest under which it was approved. */
  readonly manifest: Uint8Array;
  /** 64 bytes. */
  readonly manifestSignature: Uint8Array;
}

/** A {@link Receipt} that was read from its bytes. */
export interface ParsedReceipt extends Receipt {
  readonly request: Bytes;
  readonly agentSignature: Bytes;
  readonly previous: Bytes;
  readonly authenticatorData: Bytes;
  readonly clientDataJSON: Bytes;
  readonly signature: Bytes;
  readonly manifest: Bytes;
  readonly manifestSignature: Bytes;
}

const between = ({ length }: Uint8Array, minimum: number, maximum: number) =>
  length >= minimum && length <= maximum;

/** Bounds as those of an assertion and of a manifest on the wire. */
function isReceipt(receipt: Receipt): boolean {
  return (
    between(receipt.request, 1, limits.agentRequestBytes) &&
    receipt.agentSignature.length === 64 &&
    v.is(nonceText, receipt.nonce) &&
    (receipt.previous.length === 0 || receipt.previous.length === 32) &&
    between(receipt.authenticatorData, 37, 4096) &&
    between(receipt.clientDataJSON, 32, 4096) &&
    between(receipt.signature, 8, 1024) &&
    v.is(credentialId, receipt.credentialId) &&
    between(receipt.manifest, 2, limits.manifestBytes) &&
    receipt.manifestSignature.length === 64
  );
}

/**
 * Writes a receipt as bytes.
 *
 * @throws TypeError if it is not one that {@link parseReceipt} would take.
 */
export function formatReceipt(receipt: Receipt): Bytes {
  if (!isReceipt(receipt)) throw new TypeError('The receipt is malformed.');
  return lp(
    receipt.request,
    receipt.agentSignature,
    receipt.nonce,
    receipt.previous,
    receipt.authenticatorData,
    receipt.clientDataJSON,
    receipt.signature,
    receipt.credentialId,
    receipt.manifest,
    receipt.manifestSignature,
  );
}

/**
 * Reads the bytes of a receipt. Not yet verified: the signatures in it, the request (`parseAgentRequest`),
 * the manifest (`parseManifest`), the challenge (`releaseChallenge`) and its place in the chain.
 *
 * @throws PzkError `invalid_request`
 */
export function parseReceipt(bytes: Uint8Array): ParsedReceipt {
  try {
    const parts = splitLengthPrefixed(bytes, 10);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const part = (index: number) => new Uint8Array(parts[index] ?? []);
    const receipt: ParsedReceipt = {
      request: part(0),
      agentSignature: part(1),
      nonce: decoder.decode(parts[2]),
      previous: part(3),
      authenticatorData: part(4),
      clientDataJSON: part(5),
      signature: part(6),
      credentialId: decoder.decode(parts[7]),
      manifest: part(8),
      manifestSignature: part(9),
    };
    if (!isReceipt(receipt)) throw new RangeError('A part is not as it must be.');
    return receipt;
  } catch (cause) {
    throw new PzkError('invalid_request', 'The receipt is malformed.', { cause });
  }
}

/** The hash of a receipt, 32 bytes: `receipts_head` of the next manifest, `previous` of the next receipt. */
export function receiptHash(receipt: Uint8Array): Bytes {
  return sha256(lp(labels.receipt, receipt));
}
