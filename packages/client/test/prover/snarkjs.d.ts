// What the tests use of snarkjs, which has no types of its own.
declare module 'snarkjs' {
  export const groth16: {
    verify(
      verificationKey: unknown,
      publicSignals: readonly string[],
      proof: unknown,
    ): Promise<boolean>;
  };
}

/** The curve with its worker threads, cached by ffjavascript. */
declare var curve_bn128: { terminate(): Promise<void> } | undefined;
