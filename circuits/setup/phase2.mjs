// Phase 2 of the Groth16 setup, in memory: contributions, beacon, and the check of all of it. snarkjs
// (GPL-3.0) is passed in by whoever runs it: nothing that ships imports it.
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { phase1 } from './phase1.mjs';
import { readSections } from './prover-binary.mjs';

const toHex = (bytes) => Buffer.from(bytes).toString('hex');

/** Starts a proving key for `r1cs`. Worthless until somebody has contributed: gamma = delta. */
export async function startKey({ snarkjs, r1cs, ptau }) {
  const output = { type: 'mem' };
  // On failure snarkjs logs and returns -1; on success the hash of the circuit.
  const hash = await snarkjs.zKey.newZKey(r1cs, ptau, output);
  if (hash === -1) throw new Error('snarkjs refused the r1cs or the ptau');
  return { zkey: output.data, circuitHash: toHex(hash) };
}

/** Multiplies a secret from the CSPRNG into the key; the secret is not returned or stored. */
export async function contribute({ snarkjs, zkey, name }) {
  const output = { type: 'mem' };
  // snarkjs hashes the entropy together with 64 random bytes of its own.
  const hash = await snarkjs.zKey.contribute(zkey, output, name, randomBytes(64).toString('hex'));
  return { zkey: output.data, record: { name, kind: 'random', hash: toHex(hash) } };
}

/** Multiplies a public value into the key, which anybody can recompute. */
export async function applyBeacon({ snarkjs, zkey, name, beacon, iterationsExponent }) {
  const output = { type: 'mem' };
  const hash = await snarkjs.zKey.beacon(zkey, output, name, beacon, iterationsExponent);
  if (hash === false) throw new Error('snarkjs refused the beacon');
  return {
    zkey: output.data,
    record: { name, kind: 'beacon', hash: toHex(hash), beacon, iterationsExponent },
  };
}

/**
 * Checks that `zkey` is a key for `r1cs`, built on `ptau`, by exactly the contributions of
 * `transcript`, each with its proof of knowledge, and that one of them at least claims to hold a
 * secret. No hash covers that claim: a beacon can be recorded as `random`. Trust a contribution whose
 * hash its maker published.
 * Throws where anything differs.
 *
 * @returns the contributions, numbered from 1.
 */
export async function verifyKey({ snarkjs, r1cs, ptau, zkey, transcript }) {
  const { circuitHash, contributions } = readContributions(zkey);
  const recorded = transcript.contributions.map(({ hash: _, ...contribution }) => contribution);
  if (!isDeepStrictEqual(contributions, recorded)) {
    throw new Error('the contributions in the zkey are not those of transcript.json');
  }
  if (transcript.circuit !== 'ownership/v1' || transcript.circuitHash !== circuitHash) {
    throw new Error('transcript.json is of another circuit');
  }
  if (!isDeepStrictEqual(transcript.phase1, { ...phase1 })) {
    throw new Error('transcript.json names another phase 1');
  }
  // With none gamma = delta, and with beacons alone everybody knows delta: anyone could forge. The
  // kind is a claim, so this finds a mistake, not a lie.
  if (!contributions.some(({ kind }) => kind === 'random')) {
    throw new Error(
      'no contribution claims to hold a secret: anybody can forge proofs for this key',
    );
  }

  const lines = [];
  const record = (line) => lines.push(String(line));
  const logger = { debug() {}, info: record, warn: record, error: record };
  if ((await snarkjs.zKey.verifyFromR1cs(r1cs, ptau, zkey, logger)) !== true) {
    throw new Error(`the zkey does not verify: ${lines.at(-1) ?? 'no reason given'}`);
  }
  // snarkjs tells the hashes to its log alone, the last contribution first. They cover the points,
  // but neither the kind nor the name nor the beacon: those are compared above.
  const hashes = lines
    .map((line) => /^contribution #\d+ .*:\n([0-9a-f\s]+)$/s.exec(line)?.[1]?.replaceAll(/\s/g, ''))
    .filter((hash) => hash !== undefined)
    .reverse();
  if (
    !isDeepStrictEqual(
      hashes,
      transcript.contributions.map(({ hash }) => hash),
    )
  ) {
    throw new Error('the contributions in the zkey are not those of transcript.json');
  }
  return transcript.contributions.map((contribution, index) => ({
    number: index + 1,
    ...contribution,
  }));
}

/**
 * The record of phase 2 in a zkey, as it claims to be: section 10, the hash of the circuit and,
 * for each contribution, five points, the hash of the transcript before it, its kind and parameters.
 */
function readContributions(zkey) {
  const section = readSections(zkey, 'zkey', 1)(10);
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const contributions = [];
  let at = 68;
  for (let left = view.getUint32(64, true); left > 0; left--) {
    at += 3 * 64 + 128 + 64;
    const kind = { 0: 'random', 1: 'beacon' }[view.getUint32(at, true)];
    if (kind === undefined) throw new Error('zkey: a contribution is of an unknown kind');
    const end = at + 8 + view.getUint32(at + 4, true);
    const contribution = { name: '', kind };
    for (at += 8; at < end; ) {
      const parameter = section[at];
      const length = parameter === 2 ? 0 : section[at + 1];
      const value = section.subarray(at + 2, at + 2 + length);
      if (parameter === 1) contribution.name = new TextDecoder().decode(value);
      if (parameter === 2) contribution.iterationsExponent = section[at + 1];
      if (parameter === 3) contribution.beacon = toHex(value);
      at += 2 + length;
    }
    if (at !== end || end > section.length) throw new Error('zkey: a contribution is malformed');
    contributions.push(contribution);
  }
  if (at !== section.length) throw new Error('zkey: something follows the contributions');
  return { circuitHash: toHex(section.subarray(0, 64)), contributions };
}
