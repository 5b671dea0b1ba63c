/** What a proof states. Canonical decimal field elements; see protocol specification, section 4. */
export interface ProofStatement {
  /** Commitment to the API key, from the server's own record of the key. */
  readonly commitment: string;
  /** Hash of the exchange, recomputed by the server from its own state, never read from a client. */
  readonly context: string;
}

/**
 * Which bounded queue a verification waits in. They are apart, so that a flood of enrolments
 * cannot keep devices that are enrolled already from getting tokens.
 */
export type ProofLane = 'token' | 'enroll';

/** Options of {@link ProofSystem.verify}. */
export interface VerifyProofOptions {
  /** Queue to wait in. Default: `token`. */
  readonly lane?: ProofLane;
}

/** A way to verify proofs of one circuit. Chosen by the server's configuration, by circuit id. */
export interface ProofSystem {
  /** Circuit id as it stands on the wire, e.g. `ownership/v1`. */
  readonly id: string;

  /**
   * Prepares verification, so that the first request does not wait for it. Called again it answers
   * with the same promise while that is good, and tries anew after a failure.
   *
   * @throws PzkError `verification_key_rejected` if the key is refused, `not_ready` if the workers
   *   do not start or the system is closed.
   */
  ready(): Promise<void>;

  /**
   * Whether the proof proves the statement. `false` for every proof that does not, malformed points
   * included. Not verified here: that the statement is that of the exchange, and that its nonce was
   * not used before. A proof can be altered by anybody into another proof of the same statement, so
   * its bytes identify nothing.
   *
   * @param proof - 256 bytes as on the wire; copied before this function returns.
   * @throws PzkError `invalid_request` for a statement or a proof that is not in canonical form,
   *   `busy` if the lane is full or the wait was too long, `server_error` if the verification
   *   was lost with its worker, `not_ready` as {@link ready}. A rejected promise is no acceptance.
   */
  verify(
    statement: ProofStatement,
    proof: Uint8Array,
    options?: VerifyProofOptions,
  ): Promise<boolean>;

  /** Ends the workers and rejects what is pending with `not_ready`. The system stays closed. */
  close(): Promise<void>;
}
