import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type Bytes,
  concatBytes,
  decodeBase64url,
  encodeBase64url,
  labels,
  lp,
  type Purpose,
} from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';
import type { NonceKeys } from './nonce-keys.js';

/** What a nonce carries, authenticated; the server stores nothing when it makes one. */
export interface NonceClaims {
  /** Epoch of the nonce store when it was made. */
  readonly epoch: string;
  readonly purpose: Purpose;
  readonly jkt: string;
  readonly audience: string;
  /** Canonical. */
  readonly scope: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const VERSION = '1';
const MAC_BYTES = 32;
const decoder = new TextDecoder('utf-8', { fatal: true });

function mac(key: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(lp(labels.nonce, payload)).digest();
}

/** Makes a nonce: the length-prefixed claims, 16 random bytes and an HMAC-SHA256, as base64url. */
export function sealNonce(claims: NonceClaims, keys: NonceKeys): string {
  const period = keys.periodAt(claims.issuedAt);
  const key = keys.keyOf(period, claims.issuedAt);
  if (key === undefined) throw new RangeError('No nonce key for this time.');
  const { epoch, purpose, jkt, audience, scope, issuedAt, expiresAt } = claims;
  const fields = [period, epoch, purpose, jkt, audience, scope, issuedAt, expiresAt];
  const payload = lp(VERSION, ...fields, new Uint8Array(randomBytes(16)));
  return encodeBase64url(concatBytes(payload, mac(key, payload)));
}

function splitParts(payload: Uint8Array): Uint8Array[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const parts: Uint8Array[] = [];
  let offset = 0;
  while (offset < payload.length) {
    // A RangeError where four bytes are no longer there.
    const length = view.getUint32(offset, false);
    offset += 4;
    if (offset + length > payload.length) throw new RangeError('truncated');
    parts.push(payload.subarray(offset, offset + length));
    offset += length;
  }
  return parts;
}

function parsePayload(payload: Uint8Array) {
  const parts = splitParts(payload);
  const [version, period, epoch, purpose, jkt, audience, scope, issuedAt, expiresAt] = parts
    .slice(0, 9)
    .map((part) => decoder.decode(part));
  if (parts.length !== 10 || version !== VERSION) throw new RangeError('form');
  const claims = { epoch, purpose, jkt, audience, scope } as Omit<
    NonceClaims,
    'issuedAt' | 'expiresAt'
  >;
  return {
    period: Number(period),
    claims: { ...claims, issuedAt: Number(issuedAt), expiresAt: Number(expiresAt) },
  };
}

/**
 * Opens a nonce. Not yet verified: that it belongs to this exchange (purpose, jkt, audience, scope)
 * and that it has not been used.
 *
 * @param now - Milliseconds since the epoch.
 * @throws PzkError `invalid_nonce`
 */
export function openNonce(text: string, keys: NonceKeys, now: number): NonceClaims {
  let payload: Bytes;
  let tag: Bytes;
  let parsed: ReturnType<typeof parsePayload>;
  try {
    const bytes = decodeBase64url(text);
    payload = bytes.slice(0, -MAC_BYTES);
    tag = bytes.slice(-MAC_BYTES);
    parsed = parsePayload(payload);
  } catch (cause) {
    throw refusal('invalid_nonce', 'The nonce is malformed.', cause);
  }
  const key = keys.keyOf(parsed.period, now);
  if (key === undefined || tag.length !== MAC_BYTES || !timingSafeEqual(tag, mac(key, payload))) {
    throw refusal('invalid_nonce', 'The nonce was not made here, or long ago.');
  }
  const { claims } = parsed;
  if (now >= claims.expiresAt) throw refusal('invalid_nonce', 'The nonce has expired.');
  // A clock that stepped back must not lengthen a nonce's life beyond that of its consume record.
  if (claims.expiresAt - now > durations.nonce) {
    throw refusal('invalid_nonce', 'The nonce comes from the future of this clock.');
  }
  return claims;
}
