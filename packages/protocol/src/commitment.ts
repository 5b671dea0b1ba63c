import { poseidon4 } from 'poseidon-lite/poseidon4';
import { bytesToInteger, concatBytes, utf8 } from './bytes.js';
import { type FieldElement, formatFieldElement } from './field.js';
import { sha256, truncateToField } from './hash.js';
import { packKey } from './key-material.js';
import { labels } from './labels.js';
import { lp } from './length-prefix.js';

/** What the circuit `ownership/v1` takes in private: an opening of a commitment. */
export interface CommitmentOpening {
  readonly tag: bigint;
  readonly m0: bigint;
  readonly m1: bigint;
  readonly salt: bigint;
}

/** Separates issuers: the same key at two issuers has two unrelated commitments. */
export function issuerSalt(issuer: string): bigint {
  return truncateToField(sha256(lp(labels.issuer, issuer)));
}

/** The first 30 bytes of H(label) and the length byte of the key, as one integer. */
export function commitmentTag(length: number): bigint {
  const label = sha256(utf8(labels.commitment)).subarray(0, 30);
  return bytesToInteger(concatBytes(label, Uint8Array.of(length)));
}

/** The opening of the commitment to a key at an issuer. Secret: it holds the key. */
export function openCommitment(key: Uint8Array, issuer: string): CommitmentOpening {
  const { m0, m1, length } = packKey(key);
  return { tag: commitmentTag(length), m0, m1, salt: issuerSalt(issuer) };
}

/** Poseidon(tag, m0, m1, salt) over BN254, parameters of circomlib. */
export function commitmentOf(opening: CommitmentOpening): bigint {
  return poseidon4([opening.tag, opening.m0, opening.m1, opening.salt]);
}

/**
 * The commitment to an API key at an issuer: all that the issuer stores of it. Hiding only as far as
 * the key has entropy: a key that can be guessed can be guessed from its commitment.
 *
 * @param key - Bytes from `parseApiKey`.
 * @param issuer - The issuer's URL, exactly as configured.
 */
export function computeCommitment(key: Uint8Array, issuer: string): FieldElement {
  return formatFieldElement(commitmentOf(openCommitment(key, issuer)));
}
