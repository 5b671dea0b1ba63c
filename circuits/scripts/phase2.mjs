// Phase 2 of the Groth16 setup, in memory: contributions, beacon, and the check of all of it.
import { randomBytes } from 'node:crypto';
import * as snarkjs from 'snarkjs';

const toHex = (bytes) => Buffer.from(bytes).toString('hex');

/** Starts a proving key for `r1cs`. Worthless until somebody has contributed: gamma = delta. */
export async function startKey({ r1cs, ptau }) {
  const output = { type: 'mem' };
  // On failure snarkjs logs and returns -1; on success the hash of the circuit.
  const hash = await snarkjs.zKey.newZKey(r1cs, ptau, output);
  if (hash === -1) throw new Error('snarkjs refused the r1cs or the ptau');
  return { zkey: output.data, circuitHash: toHex(hash) };
}

/** Multiplies a secret from the CSPRNG into the key; the secret is not returned or stored. */
export async function contribute({ zkey, name }) {
  const output = { type: 'mem' };
  // snarkjs hashes the entropy together with 64 random bytes of its own.
  const hash = await snarkjs.zKey.contribute(zkey, output, name, randomBytes(64).toString('hex'));
  return { zkey: output.data, record: { name, kind: 'random', hash: toHex(hash) } };
}

/** Multiplies a public value into the key, which anybody can recompute. */
export async function applyBeacon({ zkey, name, beacon, iterationsExponent }) {
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
 * `transcript`, each with its proof of knowledge. Throws where anything differs.
 */
export async function verifyKey({ r1cs, ptau, zkey, transcript }) {
  const lines = [];
  const record = (line) => lines.push(String(line));
  const logger = { debug() {}, info: record, warn: record, error: record };
  if ((await snarkjs.zKey.verifyFromR1cs(r1cs, ptau, zkey, logger)) !== true) {
    throw new Error(`the zkey does not verify: ${lines.at(-1) ?? 'no reason given'}`);
  }

  // snarkjs tells the hashes to its log alone, the last contribution first.
  const found = lines
    .map((line) => /^contribution #(\d+) (.*):\n([0-9a-f\s]+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, number, name, hash]) => ({
      number: Number(number),
      name,
      hash: hash.replaceAll(/\s/g, ''),
    }))
    .sort((a, b) => a.number - b.number);
  const expected = transcript.contributions.map(({ name, hash }, index) => ({
    number: index + 1,
    name,
    hash,
  }));
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error('the contributions in the zkey are not those of transcript.json');
  }
  return expected;
}
