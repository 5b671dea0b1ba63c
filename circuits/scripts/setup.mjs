// `npm run setup -w @pzk-auth/circuits -- --ptau FILE`: makes a new set of Groth16 keys.
//
// Every run gives other keys: the contributions come from the CSPRNG and are forgotten. Whoever
// runs it and keeps them could forge proofs for these keys; see the README on what that means.
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import * as snarkjs from 'snarkjs';
import { writeArtifacts } from './artifacts.mjs';
import { compileOwnership } from './compile.mjs';
import { artifactsDirectory, circuitName } from './paths.mjs';
import { phase1, readPhase1 } from './phase1.mjs';

const contributors = [
  'pzk-auth contribution 1',
  'pzk-auth contribution 2',
  'pzk-auth contribution 3',
];

// A value that the project did not choose: the BLAKE2b of the phase 1 file. It was public before
// the contributions, so it takes away the freedom to pick a beacon and adds no randomness.
const beacon = {
  value: phase1.blake2b,
  iterationsExponent: 10,
  name: 'beacon: BLAKE2b of phase 1',
};

const { values } = parseArgs({ options: { ptau: { type: 'string' } } });
if (values.ptau === undefined) {
  console.error(`usage: npm run setup -w @pzk-auth/circuits -- --ptau ${phase1.name}`);
  console.error(`download: ${phase1.url}`);
  process.exit(2);
}

const toHex = (bytes) => Buffer.from(bytes).toString('hex');
const ptau = await readPhase1(values.ptau);
const { r1cs } = await compileOwnership();

// Keys before the last contribution stay in memory: with one of them on disk and one secret known,
// less of the ceremony would have to be honest.
let current = { type: 'mem' };
const circuitHash = await snarkjs.zKey.newZKey(r1cs, ptau, current);
if (typeof circuitHash === 'number') throw new Error('snarkjs refused r1cs or ptau');

const contributions = [];
for (const name of contributors) {
  const next = { type: 'mem' };
  const hash = await snarkjs.zKey.contribute(current, next, name, randomBytes(64).toString('hex'));
  contributions.push({ name, kind: 'random', hash: toHex(hash) });
  current = next;
}
const final = { type: 'mem' };
const hash = await snarkjs.zKey.beacon(
  current,
  final,
  beacon.name,
  beacon.value,
  beacon.iterationsExponent,
);
if (hash === false) throw new Error('snarkjs refused the beacon');
contributions.push({
  name: beacon.name,
  kind: 'beacon',
  hash: toHex(hash),
  beacon: beacon.value,
  iterationsExponent: beacon.iterationsExponent,
});

if ((await snarkjs.zKey.verifyFromR1cs(r1cs, ptau, final.data)) !== true) {
  throw new Error('the new zkey does not verify');
}

await mkdir(artifactsDirectory, { recursive: true });
const write = (name, content) => writeFile(new URL(name, artifactsDirectory), content);
await write(`${circuitName}.r1cs`, r1cs);
await write(`${circuitName}.zkey`, final.data);
await write(
  'transcript.json',
  `${JSON.stringify({ circuit: 'ownership/v1', phase1, circuitHash: toHex(circuitHash), contributions }, null, 2)}\n`,
);
await writeArtifacts();

// snarkjs keeps its worker threads, and with them the process, alive.
process.exit(0);
