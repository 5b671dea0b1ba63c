import { availableParallelism } from 'node:os';
import { integerToBytes, isProofEncoding, PzkError, parseFieldElement } from '@pzk-auth/protocol';
import type { ProofLane, ProofSystem } from './proof-system.js';
import { lintVerificationKey } from './verification-key.js';
import { WorkerPool } from './worker-pool.js';
import { workerSource } from './worker-source.generated.js';

/** Options of {@link createGroth16ProofSystem}. */
export interface Groth16ProofSystemOptions {
  /** Circuit id as it stands on the wire, e.g. `ownership/v1`. */
  readonly circuitId: string;
  /** Parsed verification key of that circuit in snarkjs's format. */
  readonly verificationKey: unknown;
  /**
   * SHA-256, lower-case hex, of each verification key that may be used: from the manifest of
   * `@pzk-auth/circuits`, or of the key of an own setup (`hashVerificationKey`).
   */
  readonly trustedKeyHashes: readonly string[];
  /** Number of worker threads. Default: one less than the available cores, at least 1. */
  readonly workers?: number;
  /** Proofs that may wait in each lane before `busy`. Default: 64. */
  readonly queueLimit?: number;
  /** Milliseconds that a verification may take, its wait included. Default: 10,000. */
  readonly timeout?: number;
}

/** The order of the public signals, as in the circuit. */
const SIGNALS = ['commitment', 'context'] as const;
const LANES: readonly ProofLane[] = ['token', 'enroll'];

/**
 * Groth16 over BN254 in worker threads. The calling thread only parses; threads start with
 * {@link ProofSystem.ready} or the first verification.
 *
 * @throws VerificationKeyError if the form of the key allows forgery or the key is not trusted.
 *   Points off the curve or the subgroup are refused by `ready()`, with the same error.
 * @throws TypeError if an option is out of its range.
 */
export function createGroth16ProofSystem(options: Groth16ProofSystemOptions): ProofSystem {
  const {
    circuitId,
    trustedKeyHashes,
    workers = Math.max(1, availableParallelism() - 1),
    queueLimit = 64,
    timeout = 10_000,
  } = options;
  if (typeof circuitId !== 'string' || circuitId === '') {
    throw new TypeError('circuitId must be the id of a circuit.');
  }
  assertPositiveInteger('workers', workers);
  assertPositiveInteger('queueLimit', queueLimit);
  assertPositiveInteger('timeout', timeout);
  if (!Array.isArray(trustedKeyHashes) || !trustedKeyHashes.every(isSha256)) {
    throw new TypeError('trustedKeyHashes must be SHA-256 hashes in lower-case hex.');
  }

  const { encoded } = lintVerificationKey(options.verificationKey, {
    publicSignals: SIGNALS.length,
    trustedKeyHashes,
  });
  const pool = new WorkerPool({
    source: workerSource,
    start: { key: encoded },
    workers,
    queueLimit,
    timeout,
  });

  return Object.freeze<ProofSystem>({
    id: circuitId,
    ready: () => pool.ready(),
    close: () => pool.close(),
    async verify(statement, proof, { lane = 'token' } = {}) {
      if (!LANES.includes(lane)) throw new TypeError('lane must be token or enroll.');
      // Copied before it is judged: what the thread verifies is what was looked at here.
      const proofBytes = Uint8Array.from(proof);
      if (!isProofEncoding(proofBytes)) {
        throw new PzkError('invalid_request', 'Not the encoding of a proof.');
      }
      const signals = new Uint8Array(32 * SIGNALS.length);
      for (const [index, name] of SIGNALS.entries()) {
        signals.set(integerToBytes(parseFieldElement(statement[name]), 32), 32 * index);
      }
      return pool.verify(signals, proofBytes, lane);
    },
  });
}

function assertPositiveInteger(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`${name} must be a positive integer.`);
  }
}

function isSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
