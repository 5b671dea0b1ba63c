import type { OpenDeployment } from '../deployment.js';

/** How soon running instances act on a revocation. */
export interface Reach {
  readonly json: 'at_once' | 'as_tokens_expire';
  readonly note?: string;
}

/**
 * Revocations travel by the short-lived stores. Where those are in a process's memory, another process
 * such as this one reaches the durable rows only, which are read for new tokens.
 */
export function revocationReach({ engine, stores, deployment }: OpenDeployment): Reach {
  if (!engine.isMemoryStore(stores.revocations)) return { json: 'at_once' };
  const seconds = deployment.options.tokenLifetime ?? 300;
  return {
    json: 'as_tokens_expire',
    note:
      'The short-lived stores are in the memory of each process: no new tokens from now on, but those ' +
      `that are out go on for up to ${seconds} s. Restart the server to end them at once.`,
  };
}
