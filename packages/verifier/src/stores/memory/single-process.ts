import cluster from 'node:cluster';

/** The escape hatch of {@link assertSingleProcess}. */
export interface SingleProcessOptions {
  /**
   * Do not refuse to start in a worker of `node:cluster` or pm2. Each process then has its own
   * memory: a nonce can be used once per process, and a revocation is seen by one process only.
   * Default `false`.
   */
  readonly dangerouslyAllowSeveralProcesses?: boolean | undefined;
}

/**
 * Refuses where this process is visibly one of several workers, which share no memory.
 * Not covered: several containers or machines, which nobody can see from inside.
 *
 * @throws TypeError
 */
export function assertSingleProcess(options: SingleProcessOptions): void {
  if (options.dangerouslyAllowSeveralProcesses === true) return;
  // pm2 sets NODE_APP_INSTANCE, in fork mode too: there the hatch is the answer for one instance.
  if (!cluster.isWorker && process.env.NODE_APP_INSTANCE === undefined) return;
  throw new TypeError(
    'Memory stores hold for one process only, and this process is a worker of node:cluster or pm2. ' +
      'Use shared stores, for instance redisStores of @pzk-auth/verifier/redis; where there really ' +
      'is one process, pass dangerouslyAllowSeveralProcesses: true.',
  );
}
