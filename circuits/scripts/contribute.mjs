// `npm run contribute -w @pzk-auth/circuits -- --ptau FILE --name NAME`: adds one contribution to
// the committed key. After it, forging needs the secrets of everybody before *and* this one.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { buildArtifacts, writeArtifacts } from './artifacts.mjs';
import { artifactsDirectory, circuitName } from './paths.mjs';
import { readPhase1FromArguments } from './phase1.mjs';
import { contribute, verifyKey } from './phase2.mjs';

const { values } = parseArgs({ options: { name: { type: 'string' } }, strict: false });
if (typeof values.name !== 'string' || !/^[\w .,:@-]{1,64}$/.test(values.name)) {
  console.error('--name is missing: 1 to 64 letters, digits, spaces or . , : @ - _');
  process.exit(2);
}
const { name } = values;

const inArtifacts = (file) => new URL(file, artifactsDirectory);
const ptau = await readPhase1FromArguments('contribute');
const r1cs = new Uint8Array(await readFile(inArtifacts(`${circuitName}.r1cs`)));
const before = new Uint8Array(await readFile(inArtifacts(`${circuitName}.zkey`)));
const transcript = JSON.parse(await readFile(inArtifacts('transcript.json'), 'utf8'));
await verifyKey({ r1cs, ptau, zkey: before, transcript });

const { zkey, record } = await contribute({ zkey: before, name });
transcript.contributions.push(record);
await verifyKey({ r1cs, ptau, zkey, transcript });
// All of it before the first file is written: a failure leaves the old set whole.
const built = await buildArtifacts({ zkey });

await writeFile(inArtifacts(`${circuitName}.zkey`), zkey);
await writeFile(inArtifacts('transcript.json'), `${JSON.stringify(transcript, null, 2)}\n`);
await writeArtifacts(built);
console.log(`your contribution, to publish: ${record.hash}`);

// snarkjs keeps its worker threads, and with them the process, alive.
process.exit(0);
