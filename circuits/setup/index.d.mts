import type { CircuitManifest } from '../dist/index.js';

/** What is used of snarkjs 0.7 (GPL-3.0), which whoever runs a setup installs and passes in. */
export interface Snarkjs {
  readonly zKey: object;
}

/** The phase 1 on which the keys stand. */
export declare const phase1: {
  readonly name: string;
  readonly url: string;
  readonly blake2b: string;
};

/**
 * Reads the file of phase 1.
 *
 * @throws Error unless it is, byte for byte, the file of the ceremony.
 */
export declare function readPhase1(path: string): Promise<Uint8Array>;

/** One contribution to phase 2. */
export interface Contribution {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** A claim of whoever made it; no hash covers it. */
  readonly kind: 'random' | 'beacon';
  /** Lower-case hex. */
  readonly hash: string;
}

/** Options of {@link contributeToSetup}. */
export interface ContributeOptions {
  readonly snarkjs: Snarkjs;
  /** What {@link readPhase1} returned. */
  readonly ptau: Uint8Array;
  /** Where the new set of keys goes: a directory that is empty, or is not there. */
  readonly directory: string;
  /** A directory with the keys to start from. Default: those of this package. */
  readonly from?: string;
  /** Who contributes: 1 to 64 letters, digits, spaces or `. , : @ - _`. */
  readonly name: string;
}

/**
 * Adds one contribution with a secret from the CSPRNG, which is stored nowhere. The keys to start from
 * are verified first.
 *
 * @throws TypeError if the name is malformed.
 * @throws Error if the keys do not verify or the directory is not empty; then nothing is written.
 */
export declare function contributeToSetup(options: ContributeOptions): Promise<{
  readonly manifest: CircuitManifest;
  readonly contributions: readonly Contribution[];
  /** Hash of the new contribution, to publish. */
  readonly hash: string;
}>;

/** Options of {@link verifySetup}. */
export interface VerifySetupOptions {
  readonly snarkjs: Snarkjs;
  /** What {@link readPhase1} returned. */
  readonly ptau: Uint8Array;
  /** Default: the keys of this package. */
  readonly directory?: string;
}

/**
 * Checks that the key in a directory is one for the constraints of this package, built on phase 1 by
 * exactly the contributions of its transcript, and that the other files follow from it.
 *
 * @throws Error that says what is wrong.
 */
export declare function verifySetup(options: VerifySetupOptions): Promise<{
  readonly manifest: CircuitManifest;
  readonly contributions: readonly Contribution[];
}>;
