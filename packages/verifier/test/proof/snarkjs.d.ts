// What the tests use of snarkjs, which has no types of its own.
declare module 'snarkjs' {
  export interface SnarkjsProof {
    pi_a: string[];
    pi_b: string[][];
    pi_c: string[];
    protocol: string;
    curve: string;
  }
  export const groth16: {
    prove(
      zkey: Uint8Array,
      witness: Uint8Array,
    ): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
    verify(verificationKey: unknown, signals: unknown, proof: unknown): Promise<boolean>;
  };
}

/** The curve with its worker threads, cached by ffjavascript; they keep a process alive. */
declare var curve_bn128: { terminate(): Promise<void> } | undefined;
