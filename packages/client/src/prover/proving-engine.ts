import { isPzkError, PzkError, publicSignals } from '@pzk-auth/protocol';
import { createGroth16Prover } from './groth16.js';
import { createMcl, type Mcl } from './mcl.js';
import type { ProofInput } from './prover.js';
import { parseProverBinary } from './prover-binary.js';

/** The prover of `ownership/v1` itself, wherever it runs. One proof at a time. */
export interface ProvingEngine {
  /**
   * Proves in steps; see `Groth16Prover.prove`.
   *
   * @throws PzkError `prover_failed`
   */
  prove(input: ProofInput): Generator<number, Uint8Array, void>;
}

const PUBLIC_SIGNALS = 2;
const PRIVATE_INPUTS = 4;

/**
 * Decodes the artifact.
 *
 * @param mcl - An instance that is already on its way; default: a new one.
 * @throws PzkError `artifact_mismatch`, `prover_failed`
 */
export async function createProvingEngine(
  artifact: Uint8Array,
  mcl: Promise<Mcl> = createMcl(),
): Promise<ProvingEngine> {
  // If the artifact is refused first, nobody waits for this one.
  mcl.catch(() => undefined);
  try {
    const binary = parseProverBinary(artifact);
    if (binary.publicSignals !== PUBLIC_SIGNALS || binary.privateInputs !== PRIVATE_INPUTS) {
      throw new PzkError('artifact_mismatch', 'The artifact is of another circuit.');
    }
    const groth16 = createGroth16Prover(await mcl, binary);
    return {
      *prove(input) {
        try {
          const { tag, m0, m1, salt } = input;
          return yield* groth16.prove([...publicSignals(input), tag, m0, m1, salt]);
        } catch (error) {
          throw asProverError(error);
        }
      },
    };
  } catch (error) {
    throw asProverError(error);
  }
}

/** Anything that is no coded error, e.g. of WebAssembly, as `prover_failed`. */
export function asProverError(error: unknown): PzkError {
  if (isPzkError(error)) return error;
  return new PzkError('prover_failed', 'The prover failed.', { cause: error });
}
