// `npm run artifacts -w @pzk-auth/circuits`: rebuilds, from the committed r1cs and zkey, all that
// follows from them: verification key, prover.bin, manifest and the TypeScript that carries them.
// The same input gives the same bytes, so a second run leaves the work tree clean.
import { readFile, writeFile } from 'node:fs/promises';
import * as snarkjs from 'snarkjs';
import { deriveKeyFiles, describe, toJson } from '../setup/derive.mjs';
import { circomFlags, compileOwnership, readCircomVersion } from './compile.mjs';
import { artifactsDirectory, circuitName, generatedModule } from './paths.mjs';
import { phase1 } from './phase1.mjs';
import { renderGeneratedModule } from './render-generated-module.mjs';

const inArtifacts = (name) => new URL(name, artifactsDirectory);

const readCommitted = async (name) => new Uint8Array(await readFile(inArtifacts(name)));

/**
 * Everything that is derived, as bytes by file name, and the manifest; writes nothing.
 *
 * @param {{ zkey?: Uint8Array }} [options] - A key to take instead of the committed one.
 */
export async function buildArtifacts(options = {}) {
  const r1cs = await readCommitted(`${circuitName}.r1cs`);
  const zkey = options.zkey ?? (await readCommitted(`${circuitName}.zkey`));

  const compiled = await compileOwnership();
  if (!Buffer.from(compiled.r1cs).equals(r1cs)) {
    throw new Error(`${circuitName}.circom no longer compiles to the committed r1cs: run setup`);
  }

  const derived = await deriveKeyFiles({ snarkjs, r1cs, zkey, name: circuitName });
  const { verificationKey, artifacts } = derived;
  const manifest = {
    id: 'ownership/v1',
    publicSignals: ['commitment', 'context'],
    setup: 'genuine',
    phase1,
    compiler: { name: 'circom', version: await readCircomVersion(), flags: circomFlags },
    artifacts,
    // Made by the build and checked by the tests, never shipped: it holds circom's GPL runtime.
    notShipped: { wasm: describe(`${circuitName}.wasm`, compiled.wasm) },
  };
  const files = {
    ...derived.files,
    'manifest.json': Buffer.from(toJson(manifest)),
  };
  return { files, manifest, module: renderGeneratedModule({ manifest, verificationKey }) };
}

/**
 * Checks that the committed files, and the TypeScript that verifiers and clients import, are what
 * follows from the circuit's source and the committed key. Throws where one is not.
 */
export async function assertArtifacts() {
  const { files, module } = await buildArtifacts();
  for (const [name, bytes] of Object.entries(files)) {
    if (!Buffer.from(await readCommitted(name)).equals(bytes)) {
      throw new Error(`${name} does not follow from the zkey`);
    }
  }
  if ((await readFile(generatedModule, 'utf8')) !== module) {
    throw new Error('src/ownership-v1.generated.ts does not follow from the zkey');
  }
}

/** Writes what `buildArtifacts` made. */
export async function writeArtifacts({ files, manifest, module }) {
  for (const [name, bytes] of Object.entries(files)) await writeFile(inArtifacts(name), bytes);
  await writeFile(generatedModule, module);
  for (const { file, bytes, sha256 } of Object.values(manifest.artifacts)) {
    console.log(`${file.padEnd(24)} ${String(bytes).padStart(7)} B  ${sha256}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  await writeArtifacts(await buildArtifacts());
  // snarkjs keeps its worker threads, and with them the process, alive.
  process.exit(0);
}
