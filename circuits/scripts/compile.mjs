// `npm run compile -w @pzk-auth/circuits`: circom -> build/ (r1cs, wasm, sym).
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildDirectory, circomDirectory, circuitName } from './paths.mjs';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const circom = require.resolve('circom2/cli.js');

export const circomFlags = Object.freeze(['--O2']);

/** The version of the compiler itself, e.g. "2.2.3" (not that of the npm package around it). */
export async function readCircomVersion() {
  const { stdout } = await run(process.execPath, [circom, '--version']);
  const version = /circom compiler (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`cannot read circom's version from: ${stdout}`);
  return version;
}

/**
 * Compiles one circom file into `outputDirectory`, which need not exist.
 * Relative paths, as the compiler runs in WASI and sees only ancestors of the working directory.
 */
export async function compileCircuit({ source, name, outputDirectory = buildDirectory }) {
  await mkdir(outputDirectory, { recursive: true });
  await run(
    process.execPath,
    [
      circom,
      fileURLToPath(source),
      '--r1cs',
      '--wasm',
      '--sym',
      ...circomFlags,
      '-o',
      fileURLToPath(outputDirectory),
    ],
    { cwd: fileURLToPath(new URL('../', import.meta.url)) },
  );
  const read = async (path) => new Uint8Array(await readFile(new URL(path, outputDirectory)));
  return { r1cs: await read(`${name}.r1cs`), wasm: await read(`${name}_js/${name}.wasm`) };
}

export function compileOwnership() {
  return compileCircuit({
    source: new URL(`${circuitName}.circom`, circomDirectory),
    name: circuitName,
  });
}

if (process.argv[1] === import.meta.filename) {
  const { r1cs, wasm } = await compileOwnership();
  console.log(`circom ${await readCircomVersion()}: r1cs ${r1cs.length} B, wasm ${wasm.length} B`);
}
