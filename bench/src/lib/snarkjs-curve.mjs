import { curves } from 'snarkjs';

/**
 * Which curve snarkjs computes on. By default it starts worker threads, as many as there are cores;
 * with `singleThread: true` among its options it makes a new instance of the curve for each call.
 * The best configuration for small circuits is one that it does not offer: one instance without
 * threads, made once, put where snarkjs looks for its default.
 */
export async function createSnarkjsCurves() {
  const threaded = await curves.getCurveFromName('bn128');
  const single = await curves.getCurveFromName('bn128', { singleThread: true });
  return {
    useThreads() {
      globalThis.curve_bn128 = threaded;
    },
    useOneThread() {
      globalThis.curve_bn128 = single;
    },
    /** Its threads would keep the process alive. */
    async close() {
      globalThis.curve_bn128 = threaded;
      await threaded.terminate();
    },
  };
}
