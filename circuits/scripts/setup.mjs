// `npm run setup -w @pzk-auth/circuits -- --ptau FILE`: makes a new set of Groth16 keys.
//
// Every run gives other keys: the contributions come from the CSPRNG and are forgotten. Whoever
// runs it and keeps them could forge proofs for these keys; the README says what follows from it.
import { mkdir, writeFile } from 'node:fs/promises';
import { buildArtifacts, writeArtifacts } from './artifacts.mjs';
import { compileOwnership } from './compile.mjs';
import { artifactsDirectory, circuitName } from './paths.mjs';
import { phase1, readPhase1FromArguments } from './phase1.mjs';
import { applyBeacon, contribute, startKey, verifyKey } from './phase2.mjs';

const contributors = [
  'pzk-auth contribution 1',
  'pzk-auth contribution 2',
  'pzk-auth contribution 3',
];

const ptau = await readPhase1FromArguments('setup');
const { r1cs } = await compileOwnership();

// Keys before the last step stay in memory: nothing is gained by showing them.
const { zkey: initial, circuitHash } = await startKey({ r1cs, ptau });
let zkey = initial;
const contributions = [];
for (const name of contributors) {
  const step = await contribute({ zkey, name });
  zkey = step.zkey;
  contributions.push(step.record);
}

// A value that the project did not choose: the BLAKE2b of the phase 1 file. It was public before
// the contributions, so it takes away the freedom to pick a beacon and adds no randomness.
const last = await applyBeacon({
  zkey,
  name: 'beacon: BLAKE2b of phase 1',
  beacon: phase1.blake2b,
  iterationsExponent: 10,
});
zkey = last.zkey;
contributions.push(last.record);

const transcript = { circuit: 'ownership/v1', phase1, circuitHash, contributions };
await verifyKey({ r1cs, ptau, zkey, transcript });

await mkdir(artifactsDirectory, { recursive: true });
const write = (name, content) => writeFile(new URL(name, artifactsDirectory), content);
await write(`${circuitName}.r1cs`, r1cs);
await write(`${circuitName}.zkey`, zkey);
await write('transcript.json', `${JSON.stringify(transcript, null, 2)}\n`);
await writeArtifacts(await buildArtifacts());

// snarkjs keeps its worker threads, and with them the process, alive.
process.exit(0);
