import { type Bytes, bytesToInteger, utf8 } from './bytes.js';
import { PzkError } from './errors.js';
import { hkdfSha256 } from './hash.js';
import { labels } from './labels.js';

/** Longest key whose bytes go into the commitment as they are; longer ones are hashed first. */
const DIRECT_BYTES = 62;
const LIMB_BYTES = 31;
const LONG_KEY_TAG = 255;
/** Bounds the work on a pasted text; no API key in use comes near it. */
const MAXIMUM_CHARACTERS = 4096;

/** A key as the circuit takes it: two limbs of 31 bytes and the length byte of the tag. */
export interface KeyMaterial {
  /** First 31 bytes, big-endian, right-padded with zeros. */
  readonly m0: bigint;
  /** The rest, likewise. */
  readonly m1: bigint;
  /** Number of key bytes (1 to 62), or 255 for a longer key that was hashed. */
  readonly length: number;
}

/**
 * Brings an API key into the bytes that are proved: outer white space trimmed, printable ASCII, not
 * empty. From here on callers hold bytes, which can be overwritten; a JavaScript string cannot.
 *
 * @throws PzkError `api_key_malformed`
 */
export function parseApiKey(text: string): Bytes {
  const key = text.trim();
  if (key.length > MAXIMUM_CHARACTERS || !/^[\x20-\x7e]+$/.test(key)) {
    throw new PzkError(
      'api_key_malformed',
      'The API key is empty or holds unexpected characters.',
      {
        hint: 'Copy the key again: it is printable ASCII on one line.',
      },
    );
  }
  return utf8(key);
}

function limb(bytes: Uint8Array): bigint {
  const padded = new Uint8Array(LIMB_BYTES);
  padded.set(bytes);
  const value = bytesToInteger(padded);
  padded.fill(0);
  return value;
}

/**
 * Packs the bytes of a key into two field elements. Padding is unambiguous because the length goes
 * into the tag.
 *
 * @param key - Bytes from {@link parseApiKey}.
 */
export function packKey(key: Uint8Array): KeyMaterial {
  if (key.length === 0) throw new RangeError('The key is empty.');
  const long = key.length > DIRECT_BYTES;
  const bytes = long ? hkdfSha256(key, utf8(labels.longKey), 32) : key;
  const material = {
    m0: limb(bytes.subarray(0, LIMB_BYTES)),
    m1: limb(bytes.subarray(LIMB_BYTES)),
    length: long ? LONG_KEY_TAG : key.length,
  };
  if (long) bytes.fill(0);
  return material;
}
