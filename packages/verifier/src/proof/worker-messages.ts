/** What a worker is started with. */
export interface WorkerStart {
  /** Verification key as {@link createGroth16Verifier} takes it. */
  readonly key: Uint8Array;
}

/** One verification. The id is unique in the process's life of a pool. */
export interface WorkerJob {
  readonly id: number;
  readonly signals: Uint8Array;
  readonly proof: Uint8Array;
}

/** What a worker says: once how its start went, then one verdict per job. */
export type WorkerReport =
  | { readonly type: 'ready' }
  | { readonly type: 'key_refused' }
  | { readonly type: 'verdict'; readonly id: number; readonly valid: boolean };
