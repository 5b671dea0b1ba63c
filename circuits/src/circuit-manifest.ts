/** One file that belongs to a circuit. */
export interface CircuitArtifact {
  /** File name, without a directory. */
  readonly file: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  /** Size of the file in bytes. */
  readonly bytes: number;
}

/** Identity of a circuit and the hashes of the files that belong to it. */
export interface CircuitManifest {
  /** Circuit id as it stands on the wire, e.g. `ownership/v1`. */
  readonly id: string;
  /** Names of the public signals in the order of proof and verification key. */
  readonly publicSignals: readonly string[];
  /**
   * `genuine`: phase 1 is a public ceremony, phase 2 has contributions and a beacon.
   * `development`: somebody may know the trapdoor; not for production.
   */
  readonly setup: 'genuine' | 'development';
  readonly artifacts: {
    /** What a prover loads: constraints and proving key in one file. */
    readonly prover: CircuitArtifact;
    /** Groth16 verification key, snarkjs's JSON. */
    readonly verificationKey: CircuitArtifact;
    /** Proving key with the record of its contributions, snarkjs's format. */
    readonly zkey: CircuitArtifact;
    /** Constraints, iden3's R1CS format. */
    readonly r1cs: CircuitArtifact;
  };
}
