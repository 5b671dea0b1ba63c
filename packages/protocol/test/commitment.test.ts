import { poseidon1 } from 'poseidon-lite/poseidon1';
import { poseidon2 } from 'poseidon-lite/poseidon2';
import { poseidon3 } from 'poseidon-lite/poseidon3';
import { poseidon5 } from 'poseidon-lite/poseidon5';
import { describe, expect, it } from 'vitest';
import {
  commitmentOf,
  commitmentTag,
  computeCommitment,
  issuerSalt,
  openCommitment,
  parseApiKey,
  SCALAR_FIELD_MODULUS,
} from '../src/index.js';
import { readSharedVectors, readVectors } from './read-vectors.js';

interface CommitmentVectors {
  readonly salts: readonly { issuer: string; salt: string }[];
  readonly tags: readonly { length: number; tag: string }[];
  readonly cases: readonly { issuer: string; apiKey: string; commitment: string }[];
  readonly poseidon: readonly { inputs: readonly string[]; hash: string }[];
}

const vectors = readVectors<CommitmentVectors>('commitments');

function poseidon4([tag, m0, m1, salt]: readonly bigint[]): bigint {
  if (tag === undefined || m0 === undefined || m1 === undefined || salt === undefined) {
    throw new RangeError('four inputs');
  }
  return commitmentOf({ tag, m0, m1, salt });
}

describe('commitment', () => {
  it.each(vectors.salts)('salt of $issuer', ({ issuer, salt }) => {
    expect(issuerSalt(issuer).toString()).toBe(salt);
  });

  it.each(vectors.tags)('tag of length $length', ({ length, tag }) => {
    expect(commitmentTag(length).toString()).toBe(tag);
  });

  it.each(vectors.cases)('commitment at $issuer', ({ issuer, apiKey, commitment }) => {
    expect(computeCommitment(parseApiKey(apiKey), issuer)).toBe(commitment);
  });

  it('has all parts of an opening in the field', () => {
    for (const value of Object.values(openCommitment(parseApiKey('k'.repeat(200)), 'x'))) {
      expect(value < SCALAR_FIELD_MODULUS).toBe(true);
    }
  });

  it('gives no two keys and no two issuers one commitment', () => {
    const all = vectors.cases.map(({ commitment }) => commitment);
    expect(new Set(all).size).toBe(all.length);
  });

  it('hashes with the Poseidon of circomlib', () => {
    for (const { inputs, hash } of vectors.poseidon) {
      expect(poseidon4(inputs.map(BigInt)).toString()).toBe(hash);
    }
    // Published by circomlib for Poseidon(1, 2, 3, 4).
    expect(poseidon4([1n, 2n, 3n, 4n])).toBe(
      18821383157269793795438455681495246036402687001665670618754263018637548127333n,
    );
  });

  const shared = readSharedVectors<{ vectors: { in: string[]; out: string }[] }>(
    'poseidon-bn254.json',
  );
  it.runIf(shared !== undefined)('agrees with further published Poseidon vectors', () => {
    const widths = new Map<number, (inputs: bigint[]) => bigint>([
      [1, poseidon1],
      [2, poseidon2],
      [3, poseidon3],
      [4, poseidon4],
      [5, poseidon5],
    ]);
    let compared = 0;
    for (const { in: inputs, out } of shared?.vectors ?? []) {
      const hash = widths.get(inputs.length);
      if (hash === undefined) continue;
      expect(hash(inputs.map(BigInt)).toString()).toBe(out);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(3);
  });
});
