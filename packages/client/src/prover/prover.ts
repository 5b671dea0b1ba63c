/** What is proved, and for which exchange: `ownership/v1`. All are field elements, 0 to r - 1. */
export interface ProofInput {
  /** Secret with m0, m1: opens the commitment. Big integers cannot be overwritten after use. */
  readonly tag: bigint;
  readonly m0: bigint;
  readonly m1: bigint;
  readonly salt: bigint;
  /** Public: what the issuer stores of the key. */
  readonly commitment: bigint;
  /** Public: binds the proof to one exchange. */
  readonly context: bigint;
}

/** Options of {@link Prover.prove}. */
export interface ProveOptions {
  /** Stops the proof: the promise rejects with `aborted`, the signal's reason as its cause. */
  readonly signal?: AbortSignal;
  /**
   * Called with the fraction of the work that is done, 0 to 1, rising; 1 at the end. What it throws
   * does not stop the proof; it is given to `reportError` where the platform has that.
   */
  readonly onProgress?: (fraction: number) => void;
}

/** Makes zero-knowledge proofs for one circuit. */
export interface Prover {
  /** Circuit id as it stands on the wire. */
  readonly circuit: string;
  /**
   * Loads program, artifact and key ahead of the first proof, so that it need not wait for them.
   * Optional, may be repeated. A failure is not remembered: the next call tries again.
   *
   * @throws PzkError `artifact_unavailable`, `artifact_mismatch`, `prover_failed`, `aborted`
   */
  warmUp(): Promise<void>;
  /**
   * Proves. Calls are queued: one runs at a time. Two proofs of one statement differ, as each has
   * its own blinding.
   *
   * @returns 256 bytes: A.x A.y B.x.c0 B.x.c1 B.y.c0 B.y.c1 C.x C.y, each big-endian and < q.
   * @throws PzkError `prover_failed` if the inputs do not open the commitment or the prover cannot
   *   run, `aborted` by the signal or {@link Prover.close}, and what {@link Prover.warmUp} throws.
   */
  prove(input: ProofInput, options?: ProveOptions): Promise<Uint8Array>;
  /** Ends the prover and its worker; what is in flight rejects with `aborted`. Final. */
  close(): void;
}

/** Options that every prover has. */
export interface ProverSource {
  /**
   * Gives the bytes of the prover's artifact, already checked against the hash of the build: see
   * `createArtifactLoader`, or in Node `readArtifact` of `@pzk-auth/circuits/node`. A proof made with
   * a key of somebody else's choice can tell him about the secret inputs, and the prover cannot see
   * the difference. Called once, and again after a failure or when a fresh worker needs it. The bytes
   * are not written to.
   */
  readonly loadArtifact: () => Promise<Uint8Array>;
}
