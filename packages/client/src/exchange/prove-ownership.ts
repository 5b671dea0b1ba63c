import {
  type Bytes,
  commitmentOf,
  type FieldElement,
  formatFieldElement,
  formatProof,
  openCommitment,
  parseFieldElement,
} from '@pzk-auth/protocol';
import { toPzkError } from '../abort.js';
import type { ExchangeContext, ProvingStep } from './exchange-context.js';

/** A proof for the wire. */
export interface OwnershipProof {
  readonly circuit: string;
  readonly commitment: FieldElement;
  readonly proof: string;
}

/** What is proved. */
export interface ProveOwnershipOptions {
  readonly apiKey: Bytes;
  /** Computes the context for the commitment. */
  readonly contextOf: (commitment: FieldElement) => FieldElement;
  readonly signal: AbortSignal;
  readonly onStep: (step: ProvingStep) => void;
}

/**
 * Proves that this client holds the key behind the commitment, for one exchange alone.
 *
 * @throws PzkError `prover_failed`, `artifact_unavailable`, `artifact_mismatch`, `aborted`
 */
export async function proveOwnership(
  { config, prover }: ExchangeContext,
  { apiKey, contextOf, signal, onStep }: ProveOwnershipOptions,
): Promise<OwnershipProof> {
  onStep({ status: 'proving', progress: 0 });
  const opening = openCommitment(apiKey, config.issuer);
  const commitment = commitmentOf(opening);
  const text = formatFieldElement(commitment);
  const context = parseFieldElement(contextOf(text));
  try {
    const proof = await prover.prove(
      { ...opening, commitment, context },
      { signal, onProgress: (progress) => onStep({ status: 'proving', progress }) },
    );
    return { circuit: prover.circuit, commitment: text, proof: formatProof(proof) };
  } catch (cause) {
    throw toPzkError(cause, signal, {
      code: 'prover_failed',
      message: 'The proof could not be made; the cause says why.',
    });
  }
}
