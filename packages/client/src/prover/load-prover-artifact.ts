import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { ProverSource } from './prover.js';

/**
 * For the factories: a mistake shows where it was made, not at the first proof.
 *
 * @throws TypeError
 */
export function assertProverSource(factory: string, source: ProverSource): void {
  if (typeof source?.loadArtifact !== 'function') {
    throw new TypeError(
      `${factory}: loadArtifact must be a function, e.g. what createArtifactLoader returns.`,
    );
  }
}

/**
 * Calls the application's loader; whatever it throws gets a code.
 *
 * @throws PzkError the loader's own, else `artifact_unavailable`
 */
export async function loadProverArtifact(
  loadArtifact: ProverSource['loadArtifact'],
): Promise<Uint8Array> {
  try {
    const artifact = await loadArtifact();
    // An ArrayBuffer would be taken for a file of another format.
    if (!ArrayBuffer.isView(artifact)) throw new TypeError('loadArtifact gave no Uint8Array');
    return artifact;
  } catch (cause) {
    if (isPzkError(cause)) throw cause;
    throw new PzkError('artifact_unavailable', 'The prover artifact could not be loaded.', {
      cause,
    });
  }
}
