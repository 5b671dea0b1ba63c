// What the tests use of snarkjs, which has no types of its own.
declare module 'snarkjs' {
  type Decimals = readonly string[];

  export const groth16: {
    fullProve(
      input: Readonly<Record<string, string>>,
      wasm: Uint8Array,
      zkey: Uint8Array,
    ): Promise<{ proof: unknown; publicSignals: string[] }>;
    verify(verificationKey: unknown, publicSignals: Decimals, proof: unknown): Promise<boolean>;
  };
  export const zKey: {
    exportVerificationKey(zkey: Uint8Array): Promise<unknown>;
  };
}

/** The curve with its worker threads, cached by ffjavascript. */
declare var curve_bn128: { terminate(): Promise<void> } | undefined;
