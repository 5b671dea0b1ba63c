// `npm run verify-setup -w @pzk-auth/circuits -- --ptau FILE`: checks the committed key against the
// circuit's source and a phase 1 file that you downloaded yourself, and what verifiers and clients
// use against that key.
import { readFile } from 'node:fs/promises';
import { assertArtifacts } from './artifacts.mjs';
import { artifactsDirectory, circuitName } from './paths.mjs';
import { phase1, readPhase1FromArguments } from './phase1.mjs';
import { verifyKey } from './phase2.mjs';

const read = async (file) => new Uint8Array(await readFile(new URL(file, artifactsDirectory)));

const ptau = await readPhase1FromArguments('verify-setup');
console.log(`phase 1 is ${phase1.name} of the Hermez ceremony (BLAKE2b matches)`);

const contributions = await verifyKey({
  ptau,
  r1cs: await read(`${circuitName}.r1cs`),
  zkey: await read(`${circuitName}.zkey`),
  transcript: JSON.parse(await readFile(new URL('transcript.json', artifactsDirectory), 'utf8')),
});
for (const { number, kind, name, hash } of contributions) {
  console.log(`${number}. ${name} (${kind})\n   ${hash}`);
}
console.log(`${circuitName}.zkey verifies against ${circuitName}.r1cs and phase 1`);

await assertArtifacts();
console.log(`${circuitName}.circom compiles to ${circuitName}.r1cs`);
console.log('verification key, prover.bin, manifest and generated module follow from the zkey');

// snarkjs keeps its worker threads, and with them the process, alive.
process.exit(0);
