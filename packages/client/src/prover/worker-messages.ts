import type { PzkErrorCode } from '@pzk-auth/protocol';
import type { ProofInput } from './prover.js';

/** From the page to the worker. */
export type WorkerRequest =
  | { readonly type: 'load'; readonly artifact: Uint8Array }
  | { readonly type: 'prove'; readonly input: ProofInput };

/** From the worker to the page: `ready` once, then one answer for each request. */
export type WorkerResponse =
  | { readonly type: 'ready' }
  | { readonly type: 'loaded' }
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'proof'; readonly proof: Uint8Array<ArrayBuffer> }
  | { readonly type: 'error'; readonly code: PzkErrorCode; readonly message: string };
