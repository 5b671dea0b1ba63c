/** What a worker is started with. */
export interface WorkerStart {
  /** Verification key as `createGroth16Verifier` takes it. */
  readonly key: Uint8Array;
}

/** One verification. The id is unique in a pool, for as long as it lives. */
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

/** What a thread said, or `undefined` if it is no report. */
export function parseWorkerReport(message: unknown): WorkerReport | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, id, valid } = message as Record<string, unknown>;
  if (type === 'ready' || type === 'key_refused') return { type };
  if (type === 'verdict' && typeof id === 'number' && typeof valid === 'boolean') {
    return { type, id, valid };
  }
  return undefined;
}
