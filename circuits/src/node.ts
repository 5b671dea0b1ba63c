import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CircuitArtifact } from './circuit-manifest.js';
import { ownershipV1 } from './ownership-v1.generated.js';

// The same relative path from src/ and from dist/. As a path: `new URL` with a relative address is what
// bundlers take for a module, and they end with an error.
const directory = join(dirname(fileURLToPath(import.meta.url)), '../artifacts/ownership-v1');

// A Map, not an object: the key may come from a request.
const artifactsByHash: ReadonlyMap<string, CircuitArtifact> = new Map(
  Object.values(ownershipV1.artifacts).map((artifact) => [artifact.sha256, artifact]),
);

/**
 * Absolute path of the artifact with this hash, or `undefined` where no artifact of this package
 * has it. The argument may come from a request: it is only looked up, never made part of a path.
 *
 * @param sha256 - SHA-256, lower-case hex.
 */
export function artifactPath(sha256: string): string | undefined {
  const artifact = artifactsByHash.get(sha256);
  return artifact && join(directory, artifact.file);
}

/**
 * Reads an artifact and checks what it read against the hash.
 *
 * @param sha256 - SHA-256, lower-case hex, of one of this package's artifacts.
 * @throws TypeError where no artifact has this hash; see {@link artifactPath} for a look-up.
 * @throws Error where the file was altered after the installation or cannot be read.
 */
export async function readArtifact(sha256: string): Promise<Uint8Array> {
  const artifact = artifactsByHash.get(sha256);
  if (artifact === undefined) throw new TypeError('no circuit artifact has this SHA-256');
  const bytes = await readBytes(artifact);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Error(`circuit artifact is not what was published: ${artifact.file}`);
  }
  return new Uint8Array(bytes);
}

async function readBytes(artifact: CircuitArtifact): Promise<Uint8Array> {
  if (artifact === ownershipV1.artifacts.prover) {
    // What servers hand out: as a module, so that a bundled server holds it, too.
    const { ownershipV1Prover } = await import('./ownership-v1-prover.generated.js');
    return Buffer.from(ownershipV1Prover, 'base64');
  }
  return readFile(join(directory, artifact.file));
}
