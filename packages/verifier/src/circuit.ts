import { type CircuitManifest, ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { OWNERSHIP_CIRCUIT } from '@pzk-auth/protocol';
import { assertOptionNames } from './option-names.js';
import { type OwnSetup, readOwnSetup } from './own-setup.js';
import { createGroth16ProofSystem, type ProofSystem } from './proof/index.js';

/** A circuit that a verifier accepts, with what its clients load. */
export interface Circuit {
  readonly proofSystem: ProofSystem;
  readonly manifest: CircuitManifest;
  /** Reads what the prover loads. */
  readonly readProver: () => Promise<Uint8Array>;
}

/** Options of {@link ownershipCircuit}. */
export interface OwnershipCircuitOptions {
  /**
   * Keys of your own setup: then only those are trusted. Default: those that @pzk-auth/circuits
   * publishes. Clients need the same, see `circuit` of `createClient`.
   */
  readonly setup?: OwnSetup;
  /** Worker threads. Default: one less than the available cores, at least 1. */
  readonly workers?: number;
  /** Proofs that may wait in each queue before `busy`. Default 64. */
  readonly queueLimit?: number;
  /** Milliseconds that a verification may take, its wait included. Default 10,000. */
  readonly timeout?: number;
}

/** All of them: the compiler checks it. */
const OPTIONS = Object.keys({
  setup: true,
  workers: true,
  queueLimit: true,
  timeout: true,
} satisfies Record<keyof OwnershipCircuitOptions, true>);

/**
 * The circuit `ownership/v1`, with the keys that @pzk-auth/circuits publishes or those of an own setup.
 *
 * @example
 * ```ts
 * createVerifier({ ..., circuits: [ownershipCircuit({ setup: { directory: './pzk-setup', verificationKey: '...' } })] });
 * ```
 *
 * @throws TypeError if the own setup cannot be read or is not the one that was named.
 * @throws VerificationKeyError if the form of its verification key allows forgery.
 */
export function ownershipCircuit(options: OwnershipCircuitOptions = {}): Circuit {
  assertOptionNames('ownershipCircuit', options, OPTIONS);
  const { setup, ...limits } = options;
  const keys =
    setup === undefined
      ? {
          manifest: ownershipV1,
          verificationKey: ownershipV1VerificationKey,
          readProver: () => readArtifact(ownershipV1.artifacts.prover.sha256),
        }
      : readOwnSetup(setup, ownershipV1.id);
  return {
    manifest: keys.manifest,
    proofSystem: createGroth16ProofSystem({
      ...limits,
      circuitId: ownershipV1.id,
      verificationKey: keys.verificationKey,
      trustedKeyHashes: [keys.manifest.artifacts.verificationKey.sha256],
    }),
    readProver: keys.readProver,
  };
}

/** The circuit of a verifier that names none. */
function defaultCircuit(): Circuit {
  if (process.env.NODE_ENV === 'production') {
    process.emitWarning(
      'The circuit keys are those that the project publishes; whoever made all their contributions ' +
        'could forge proofs. Add a contribution of your own: npx @pzk-auth/cli setup contribute.',
      { type: 'SecurityWarning', code: 'PZK_DEFAULT_SETUP' },
    );
  }
  return ownershipCircuit();
}

/**
 * The circuits of a verifier by their id.
 *
 * @throws TypeError for development keys in production, for none and for two of one id.
 */
export function indexCircuits(
  circuits: readonly Circuit[] = [defaultCircuit()],
): ReadonlyMap<string, Circuit> {
  const production = process.env.NODE_ENV === 'production';
  const byId = new Map(circuits.map((circuit) => [circuit.proofSystem.id, circuit]));
  // The one that challenges name.
  if (!byId.has(OWNERSHIP_CIRCUIT) || byId.size !== circuits.length) {
    throw new TypeError(`circuits holds ${OWNERSHIP_CIRCUIT} once: [ownershipCircuit({ ... })].`);
  }
  for (const { manifest } of circuits) {
    if (production && manifest.setup !== 'genuine') {
      throw new TypeError(`Circuit ${manifest.id} has development keys: refused in production.`);
    }
  }
  return byId;
}
