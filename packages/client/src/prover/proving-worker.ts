import { PzkError } from '@pzk-auth/protocol';
import type { WorkerRequest, WorkerResponse } from './worker-messages.js';

/** A running worker, in a browser or in Node. */
export interface ProvingWorker {
  post(request: WorkerRequest, transfer: ArrayBuffer[]): void;
  onMessage(handler: (response: WorkerResponse) => void): void;
  /** The worker could not be loaded, threw outside of a request or ended by itself. */
  onFailure(handler: (cause: unknown) => void): void;
  terminate(): void;
}

/**
 * The part of the browser's `Worker` that is used; Node's `worker_threads` one is wrapped here and
 * given as such by nobody.
 */
export interface WebWorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  terminate(): void;
}

/**
 * Starts the worker of this package: a same-origin module worker in a browser, `worker_threads` in
 * Node.
 *
 * @throws PzkError `prover_failed` where there are no workers or the page's policy forbids them.
 */
export function startProvingWorker(createWorker?: () => WebWorkerLike): ProvingWorker {
  try {
    if (createWorker) return adaptWebWorker(createWorker());
    if (typeof Worker === 'function') {
      // Bundlers recognise this expression, so it must stay in one piece.
      return adaptWebWorker(
        new Worker(new URL('../prover-worker.js', import.meta.url), { type: 'module' }),
      );
    }
    return startNodeWorker();
  } catch (cause) {
    throw createWorkerError(cause);
  }
}

/** Says what to look at, as browsers hide why a worker did not load. */
export function createWorkerError(cause: unknown): PzkError {
  return new PzkError('prover_failed', 'The worker of the prover did not start or broke off.', {
    cause,
    hint: 'Check that prover-worker.js is served as JavaScript from the origin of the page, and that its Content-Security-Policy has worker-src and script-src with wasm-unsafe-eval for it.',
  });
}

function adaptWebWorker(worker: WebWorkerLike): ProvingWorker {
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    onMessage(handler) {
      worker.addEventListener('message', (event) => {
        handler((event as MessageEvent<WorkerResponse>).data);
      });
    },
    onFailure(handler) {
      // 404, a wrong MIME type, a policy, an exception in the worker: all end here.
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        handler(event);
      });
      worker.addEventListener('messageerror', handler);
    },
    terminate: () => worker.terminate(),
  };
}

function startNodeWorker(): ProvingWorker {
  // Not an import: bundlers for browsers must not see the module.
  const threads =
    typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (threads === undefined) throw new Error('there are no workers here');
  // In two steps, so that bundlers for browsers do not take it for an asset of the page as well.
  const here = import.meta.url;
  const worker = new threads.Worker(new URL('../prover-worker.js', here));
  // An idle prover must not keep the process alive; while it works, its pending promise's owner does.
  worker.unref();
  return {
    post: (request, transfer) => {
      worker.ref();
      worker.postMessage(request, transfer);
    },
    onMessage: (handler) => {
      worker.on('message', (response: WorkerResponse) => {
        if (response.type !== 'progress') worker.unref();
        handler(response);
      });
    },
    onFailure: (handler) => {
      worker.on('error', handler);
      worker.on('messageerror', handler);
      worker.on('exit', handler);
    },
    terminate: () => void worker.terminate(),
  };
}
