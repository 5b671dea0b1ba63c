import { isPzkError, PzkError } from '@pzk-auth/protocol';
import type { ProverSource } from './prover.js';

/**
 * Calls the application's loader; whatever it throws gets a code.
 *
 * @throws PzkError the loader's own, else `artifact_unavailable`
 */
export async function loadProverArtifact(
  loadArtifact: ProverSource['loadArtifact'],
): Promise<Uint8Array> {
  try {
    return await loadArtifact();
  } catch (cause) {
    if (isPzkError(cause)) throw cause;
    throw new PzkError('artifact_unavailable', 'The prover artifact could not be loaded.', {
      cause,
    });
  }
}
