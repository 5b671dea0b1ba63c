import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';

const build = new URL('../../../circuits/build/', import.meta.url);
const script = fileURLToPath(new URL('../../../circuits/scripts/compile.mjs', import.meta.url));

/**
 * What snarkjs proves with: circom's witness program, which is compiled here because its runtime is
 * GPL and no part of the repository, and the proving key.
 *
 * @returns {Promise<{ wasm: Uint8Array, zkey: Uint8Array }>}
 */
export async function loadSnarkjsCircuit() {
  if (!(await isCompiled())) await promisify(execFile)(process.execPath, [script]);
  return {
    wasm: new Uint8Array(await readFile(new URL('ownership-v1_js/ownership-v1.wasm', build))),
    zkey: await readArtifact(ownershipV1.artifacts.zkey.sha256),
  };
}

/** Whether the build directory holds this very circuit. */
async function isCompiled() {
  try {
    await readFile(new URL('ownership-v1_js/ownership-v1.wasm', build));
    const r1cs = await readFile(new URL('ownership-v1.r1cs', build));
    return createHash('sha256').update(r1cs).digest('hex') === ownershipV1.artifacts.r1cs.sha256;
  } catch {
    return false;
  }
}
