// What is used of snarkjs, which has no types of its own.
declare module 'snarkjs' {
  export interface SnarkjsProof {
    pi_a: string[];
    pi_b: string[][];
    pi_c: string[];
    protocol: string;
    curve: string;
  }
  export interface SnarkjsCurve {
    terminate(): Promise<void>;
  }
  export const groth16: {
    fullProve(
      input: unknown,
      wasm: Uint8Array,
      zkey: Uint8Array,
      logger?: undefined,
      witnessOptions?: undefined,
      proverOptions?: { singleThread?: boolean },
    ): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
    verify(verificationKey: unknown, signals: unknown, proof: unknown): Promise<boolean>;
  };
  export const curves: {
    getCurveFromName(name: string, options?: { singleThread?: boolean }): Promise<SnarkjsCurve>;
  };
}

/** Where snarkjs looks for its default curve. */
declare var curve_bn128: import('snarkjs').SnarkjsCurve | undefined;

/** What the pages are built with, and what they leave to the bench. */
declare var __INPUT__: Record<string, string>;
declare var proveAgain: (() => Promise<number>) | undefined;
