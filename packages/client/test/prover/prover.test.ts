import { Worker as NodeWorker } from 'node:worker_threads';
import { isProofEncoding, OWNERSHIP_CIRCUIT, PzkError } from '@pzk-auth/protocol';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
// The built package: workers load its own files, and Node runs no TypeScript in them.
import * as built from '../../dist/prover/index.js';
import {
  createMainThreadProver,
  createWorkerProver,
  type Prover,
  type ProverSource,
  type WebWorkerLike,
  type WorkerProverOptions,
} from '../../src/prover/index.js';
import { eventually } from '../eventually.js';
import { createInput, loadArtifact, stopSnarkjs, verifyWithSnarkjs } from './fixtures.js';

// Proofs and oracles take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const open: Prover[] = [];
afterEach(() => {
  for (const prover of open.splice(0)) prover.close();
});
afterAll(stopSnarkjs);

/** Node's worker behind the interface of a browser's. */
function createNodeWorker(file: URL | string, started: WebWorkerLike[] = []): WebWorkerLike {
  const worker = new NodeWorker(file, { eval: typeof file === 'string' });
  const adapted: WebWorkerLike = {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    addEventListener(type, listener) {
      worker.on(type, (data: unknown) =>
        listener(Object.assign(new Event(type, { cancelable: true }), { data })),
      );
    },
    terminate: vi.fn(() => void worker.terminate()),
  };
  started.push(adapted);
  return adapted;
}

const workerFile = new URL('../../dist/prover-worker.js', import.meta.url);
const aborted = expect.objectContaining({ name: 'PzkError', code: 'aborted' });
const failed = expect.objectContaining({ name: 'PzkError', code: 'prover_failed' });

const kinds: readonly [string, (source: ProverSource) => Prover][] = [
  ['createMainThreadProver', createMainThreadProver],
  [
    'createWorkerProver with a worker of the application',
    (source) => createWorkerProver({ ...source, createWorker: () => createNodeWorker(workerFile) }),
  ],
  ['createWorkerProver with worker_threads', built.createWorkerProver],
];

describe.each(kinds)('%s', (_name, create) => {
  const start = (source: Partial<ProverSource> = {}): Prover => {
    const prover = create({ loadArtifact, ...source });
    open.push(prover);
    return prover;
  };

  it('proves, reports rising progress up to 1, and names its circuit', async () => {
    const prover = start();
    expect(prover.circuit).toBe(OWNERSHIP_CIRCUIT);
    await prover.warmUp();
    const progress: number[] = [];
    const input = createInput();
    const proof = await prover.prove(input, { onProgress: (fraction) => progress.push(fraction) });
    expect(isProofEncoding(proof)).toBe(true);
    expect(await verifyWithSnarkjs(proof, input)).toBe(true);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('queues calls, each with its own statement, and loads the artifact once', async () => {
    const load = vi.fn(loadArtifact);
    const prover = start({ loadArtifact: load });
    const inputs = Array.from({ length: 3 }, () => createInput());
    const proofs = await Promise.all(inputs.map((input) => prover.prove(input)));
    for (const [index, proof] of proofs.entries()) {
      expect(await verifyWithSnarkjs(proof, inputs[index] as (typeof inputs)[0])).toBe(true);
    }
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('refuses a commitment that is not opened, and goes on working', async () => {
    const prover = start();
    await expect(prover.prove(createInput({ commitment: 1n }))).rejects.toEqual(failed);
    expect(isProofEncoding(await prover.prove(createInput()))).toBe(true);
  });

  it('aborts before, during and in the queue, and starts afresh', async () => {
    const prover = start();
    const reason = new Error('changed my mind');
    await expect(
      prover.prove(createInput(), { signal: AbortSignal.abort(reason) }),
    ).rejects.toMatchObject({ code: 'aborted', cause: reason });

    await prover.warmUp();
    const first = new AbortController();
    const second = new AbortController();
    const running = prover.prove(createInput(), {
      signal: first.signal,
      onProgress: () => first.abort(),
    });
    const queued = prover.prove(createInput(), { signal: second.signal });
    second.abort();
    await expect(queued).rejects.toEqual(aborted);
    await expect(running).rejects.toEqual(aborted);

    const input = createInput();
    expect(await verifyWithSnarkjs(await prover.prove(input), input)).toBe(true);
  });

  it('rejects what is in flight when closed, and everything after', async () => {
    const prover = start();
    const running = prover.prove(createInput());
    prover.close();
    await expect(running).rejects.toEqual(aborted);
    await expect(prover.prove(createInput())).rejects.toEqual(aborted);
    await expect(prover.warmUp()).rejects.toEqual(aborted);
    prover.close();
  });

  it('loads nothing before it is asked to, and nothing once it is closed', async () => {
    const load = vi.fn(loadArtifact);
    const prover = start({ loadArtifact: load });
    await new Promise((resolve) => setTimeout(resolve));
    prover.close();
    await expect(prover.warmUp()).rejects.toEqual(aborted);
    await expect(prover.prove(createInput())).rejects.toEqual(aborted);
    expect(load).not.toHaveBeenCalled();
  });

  it('passes on why the artifact is missing, and tries again', async () => {
    const cause = new PzkError('artifact_unavailable', 'Offline.');
    const load = vi.fn(loadArtifact).mockRejectedValueOnce(cause);
    const prover = start({ loadArtifact: load });
    await expect(prover.warmUp()).rejects.toMatchObject({ code: 'artifact_unavailable' });
    load.mockRejectedValueOnce(new Error('no such file'));
    await expect(prover.warmUp()).rejects.toMatchObject({ code: 'artifact_unavailable' });
    const { buffer } = new Uint8Array(await loadArtifact());
    load.mockResolvedValueOnce(buffer as unknown as Uint8Array);
    await expect(prover.warmUp()).rejects.toMatchObject({
      code: 'artifact_unavailable',
      cause: expect.any(TypeError),
    });
    await prover.warmUp();
    expect(load).toHaveBeenCalledTimes(4);
  });

  it('proves even if onProgress throws, which is reported where the platform can', async () => {
    const prover = start();
    const broken = new Error('no such element');
    const onProgress = vi.fn(() => {
      throw broken;
    });
    expect(isProofEncoding(await prover.prove(createInput(), { onProgress }))).toBe(true);
    expect(onProgress.mock.calls.length).toBeGreaterThan(3);

    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    try {
      await prover.prove(createInput(), { onProgress });
    } finally {
      vi.unstubAllGlobals();
    }
    expect(report).toHaveBeenCalledWith(broken);
  });

  it('takes a missing loader for a mistake in the program, at once', () => {
    for (const source of [{}, { loadArtifact: undefined }, { loadArtifact: 'https://x' }]) {
      expect(() => create(source as unknown as ProverSource)).toThrow(TypeError);
    }
  });

  it('refuses an artifact that is none', async () => {
    const prover = start({ loadArtifact: async () => new Uint8Array(100) });
    await expect(prover.prove(createInput())).rejects.toMatchObject({ code: 'artifact_mismatch' });
  });
});

describe('createWorkerProver', () => {
  const start = (createWorker: () => WebWorkerLike, startTimeout = 30_000): Prover => {
    const prover = createWorkerProver({ loadArtifact, createWorker, startTimeout });
    open.push(prover);
    return prover;
  };

  it('takes malformed options for a mistake in the program, at once', () => {
    for (const startTimeout of [0, -1, Number.NaN, 2 ** 31, '30']) {
      const options = { loadArtifact, startTimeout } as WorkerProverOptions;
      expect(() => createWorkerProver(options)).toThrow(/startTimeout/);
    }
    const options = { loadArtifact, createWorker: '/worker.js' } as unknown as WorkerProverOptions;
    expect(() => createWorkerProver(options)).toThrow(/createWorker/);
  });

  it('starts no worker before it is asked to', async () => {
    const started: WebWorkerLike[] = [];
    const prover = start(() => createNodeWorker(workerFile, started));
    await new Promise((resolve) => setTimeout(resolve));
    expect(started).toHaveLength(0);
    await prover.warmUp();
    expect(started).toHaveLength(1);
  });

  it('ends the worker on abort and takes a fresh one for the next proof', async () => {
    const started: WebWorkerLike[] = [];
    const prover = start(() => createNodeWorker(workerFile, started));
    await prover.prove(createInput());
    const stop = new AbortController();
    await expect(
      prover.prove(createInput(), { signal: stop.signal, onProgress: () => stop.abort() }),
    ).rejects.toEqual(aborted);
    expect(started).toHaveLength(1);
    expect(started[0]?.terminate).toHaveBeenCalled();
    await prover.prove(createInput());
    expect(started).toHaveLength(2);
  });

  it('rejects where the worker cannot be made, does not load, throws or never starts', async () => {
    const forbidden = start(() => {
      throw new DOMException('blocked', 'SecurityError');
    });
    const missing = start(() => createNodeWorker(new URL('./no-such-file.js', workerFile)));
    const throwing = start(() => createNodeWorker('throw new Error("broken")'));
    const silent = start(() => createNodeWorker('setInterval(() => {}, 1000)'), 50);
    for (const prover of [forbidden, missing, throwing, silent]) {
      await expect(prover.warmUp()).rejects.toEqual(failed);
      await expect(prover.prove(createInput())).rejects.toEqual(failed);
    }
  });

  it('does not wait for an artifact that never arrives once it is stopped or broken', async () => {
    const load = vi.fn(loadArtifact).mockReturnValue(new Promise(() => {}));
    // Says that it is ready, so that the artifact alone is missing.
    const source = `
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => {});
      parentPort.postMessage({ type: 'ready' });`;
    let ready: Promise<unknown> = Promise.resolve();
    let tellError: (() => void) | undefined;
    let file: URL | string = source;
    const prover = createWorkerProver({
      loadArtifact: load,
      createWorker() {
        const worker = createNodeWorker(file);
        ready = new Promise((resolve) => worker.addEventListener('message', resolve));
        return {
          ...worker,
          addEventListener(type, listener) {
            worker.addEventListener(type, listener);
            if (type === 'error') tellError = () => listener(new Event('error'));
          },
        };
      },
    });
    open.push(prover);

    const stop = new AbortController();
    const stopped = prover.prove(createInput(), { signal: stop.signal });
    const warming = prover.warmUp();
    const outcomes = [expect(stopped).rejects.toEqual(aborted)];
    outcomes.push(expect(warming).rejects.toEqual(aborted));
    await eventually(() => expect(load).toHaveBeenCalledTimes(1));
    await ready;
    stop.abort();
    await Promise.all(outcomes);

    const broken = expect(prover.prove(createInput())).rejects.toEqual(failed);
    await eventually(() => expect(load).toHaveBeenCalledTimes(2));
    await ready;
    tellError?.();
    await broken;

    load.mockImplementation(loadArtifact);
    file = workerFile;
    expect(isProofEncoding(await prover.prove(createInput()))).toBe(true);
  });

  it('rejects a proof whose worker breaks off in the middle', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', ({ type }) => {
        if (type === 'prove') throw new Error('out of memory');
        parentPort.postMessage({ type: 'loaded' });
      });
      parentPort.postMessage({ type: 'ready' });`;
    const prover = start(() => createNodeWorker(source));
    await prover.warmUp();
    await expect(prover.prove(createInput())).rejects.toEqual(failed);
  });
});
