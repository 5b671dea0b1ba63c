import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CircuitArtifact } from './circuit-manifest.js';
import { ownershipV1 } from './ownership-v1.generated.js';

// The same relative path from src/ and from dist/.
const directory = new URL('../artifacts/ownership-v1/', import.meta.url);

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
  return artifact && fileURLToPath(new URL(artifact.file, directory));
}

/**
 * Reads an artifact and checks what it read against the hash.
 *
 * @param sha256 - SHA-256, lower-case hex, of one of this package's artifacts.
 * @throws TypeError where no artifact has this hash; see {@link artifactPath} for a look-up.
 * @throws Error where the file was altered after the installation or cannot be read.
 */
export async function readArtifact(sha256: string): Promise<Uint8Array> {
  const path = artifactPath(sha256);
  if (path === undefined) throw new TypeError('no circuit artifact has this SHA-256');
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Error(`circuit artifact is not what was published: ${path}`);
  }
  return new Uint8Array(bytes);
}
