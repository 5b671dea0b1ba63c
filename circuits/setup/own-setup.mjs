import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { deriveKeyFiles, sha256, toJson } from './derive.mjs';
import { contribute, verifyKey } from './phase2.mjs';

const published = fileURLToPath(new URL('../artifacts/ownership-v1/', import.meta.url));
const name = 'ownership-v1';
/** As long as one can read it in a list of contributions. */
const NAME = /^[\w .,:@-]{1,64}$/;

const readBytes = async (path) => new Uint8Array(await readFile(path));
const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));

/**
 * Key and transcript of a directory with the constraints of this package. Those stand for the circuit: a
 * directory that brings others is refused.
 */
async function readKey(directory) {
  const manifest = await readJson(join(published, 'manifest.json'));
  const r1cs = await readBytes(join(published, `${name}.r1cs`));
  const own = await readBytes(join(directory, `${name}.r1cs`));
  if (sha256(r1cs) !== manifest.artifacts.r1cs.sha256) {
    throw new Error('the r1cs of the installed package is not what was published');
  }
  if (sha256(own) !== sha256(r1cs)) throw new Error('the r1cs is that of another circuit');
  const zkey = await readBytes(join(directory, `${name}.zkey`));
  const transcript = await readJson(join(directory, 'transcript.json'));
  return { r1cs, zkey, transcript };
}

async function deriveFiles({ snarkjs, r1cs, zkey, transcript }) {
  const { id, publicSignals, setup, phase1, compiler } = await readJson(
    join(published, 'manifest.json'),
  );
  const { files, artifacts } = await deriveKeyFiles({ snarkjs, r1cs, zkey, name });
  const manifest = { id, publicSignals, setup, phase1, compiler, artifacts };
  return {
    manifest,
    files: {
      [`${name}.r1cs`]: r1cs,
      [`${name}.zkey`]: zkey,
      ...files,
      'manifest.json': Buffer.from(toJson(manifest)),
      'transcript.json': Buffer.from(toJson(transcript)),
    },
  };
}

async function assertEmpty(directory) {
  const entries = await readdir(directory).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length > 0) throw new Error('the output directory is not empty');
}

export async function contributeToSetup({ snarkjs, ptau, directory, from = published, name: by }) {
  if (!NAME.test(by)) throw new TypeError('name: 1 to 64 letters, digits, spaces or . , : @ - _');
  await assertEmpty(directory);
  const { r1cs, zkey: before, transcript } = await readKey(from);
  await verifyKey({ snarkjs, r1cs, ptau, zkey: before, transcript });
  const { zkey, record } = await contribute({ snarkjs, zkey: before, name: by });
  const extended = { ...transcript, contributions: [...transcript.contributions, record] };
  const contributions = await verifyKey({ snarkjs, r1cs, ptau, zkey, transcript: extended });
  // All of it before the first file is written: a failure leaves nothing half done.
  const { manifest, files } = await deriveFiles({ snarkjs, r1cs, zkey, transcript: extended });
  await mkdir(directory, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(directory, file), bytes);
  return { manifest, contributions, hash: record.hash };
}

export async function verifySetup({ snarkjs, ptau, directory = published }) {
  const { r1cs, zkey, transcript } = await readKey(directory);
  const contributions = await verifyKey({ snarkjs, r1cs, ptau, zkey, transcript });
  const { manifest, files } = await deriveFiles({ snarkjs, r1cs, zkey, transcript });
  for (const file of ['verification-key.json', 'prover.bin']) {
    const given = await readBytes(join(directory, file));
    if (!Buffer.from(files[file]).equals(given)) {
      throw new Error(`${file} does not follow from the zkey`);
    }
  }
  const { notShipped: _, ...given } = await readJson(join(directory, 'manifest.json'));
  if (!isDeepStrictEqual(given, manifest)) {
    throw new Error('manifest.json does not follow from the zkey');
  }
  return { manifest, contributions };
}
