// Runs inside the worker. `scripts/build-worker.mjs` bundles it into dist/prover-worker.js; nothing
// imports it.
import { createMcl } from './mcl.js';
import { asProverError, createProvingEngine, type ProvingEngine } from './proving-engine.js';
import type { WorkerRequest, WorkerResponse } from './worker-messages.js';

/** What the two kinds of worker have in common. */
interface Port {
  post(message: WorkerResponse, transfer: ArrayBuffer[]): void;
  listen(handler: (request: WorkerRequest) => void): void;
}

/** The part of a browser's DedicatedWorkerGlobalScope that is used here. */
interface WorkerScope {
  postMessage(message: WorkerResponse, transfer: ArrayBuffer[]): void;
  addEventListener(
    type: 'message',
    listener: (event: { readonly data: WorkerRequest }) => void,
  ): void;
}

/** worker_threads in Node, the global scope in a browser. */
function openPort(): Port {
  const parent =
    typeof process === 'undefined'
      ? undefined
      : process.getBuiltinModule?.('node:worker_threads')?.parentPort;
  if (parent) {
    return {
      post: (message, transfer) => parent.postMessage(message, transfer),
      listen: (handler) => parent.on('message', handler),
    };
  }
  const scope = globalThis as unknown as WorkerScope;
  return {
    post: (message, transfer) => scope.postMessage(message, transfer),
    listen: (handler) => scope.addEventListener('message', (event) => handler(event.data)),
  };
}

const port = openPort();
const post = (message: WorkerResponse, transfer: ArrayBuffer[] = []): void =>
  port.post(message, transfer);

// At once, so that WebAssembly compiles while the artifact is still on its way.
const mcl = createMcl();
// Told by the answer to `load`.
mcl.catch(() => undefined);

let engine: ProvingEngine | undefined;

async function answer(request: WorkerRequest): Promise<void> {
  try {
    if (request.type === 'load') {
      engine = await createProvingEngine(request.artifact, mcl);
      post({ type: 'loaded' });
      return;
    }
    if (engine === undefined) throw new Error('no artifact was loaded');
    const steps = engine.prove(request.input);
    let step = steps.next();
    for (; !step.done; step = steps.next()) post({ type: 'progress', fraction: step.value });
    // A copy that owns its buffer, so that it can be handed over.
    const proof = new Uint8Array(step.value);
    post({ type: 'proof', proof }, [proof.buffer]);
  } catch (error) {
    // Only code and message: a cause need not survive the way, and may hold what must not.
    const { code, message } = asProverError(error);
    post({ type: 'error', code, message });
  }
}

port.listen((request) => void answer(request));
post({ type: 'ready' });
