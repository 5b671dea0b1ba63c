import { afterEach, describe, expect, it } from 'vitest';
import type { ProofLane } from '../../src/proof/proof-system.js';
import { WorkerPool, type WorkerPoolOptions } from '../../src/proof/worker-pool.js';

const pools: WorkerPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

/** A pool whose workers do with each job, of which the first signal byte is `command`, what is said. */
function createPool(onJob: string, options: Partial<WorkerPoolOptions> = {}): WorkerPool {
  const pool = new WorkerPool({
    source: `
      const { parentPort } = require('node:worker_threads');
      const verdict = (id, valid) => parentPort.postMessage({ type: 'verdict', id, valid });
      parentPort.on('message', ({ id, signals, proof }) => {
        const command = signals[0];
        ${onJob}
      });
      parentPort.postMessage({ type: 'ready' });
    `,
    start: { key: new Uint8Array() },
    workers: 1,
    queueLimit: 4,
    timeout: 60_000,
    ...options,
  });
  pools.push(pool);
  return pool;
}

const submit = (pool: WorkerPool, command = 0, lane: ProofLane = 'token') =>
  pool.verify(Uint8Array.of(command), new Uint8Array(256), lane);

/** How a promise ends: its value, or the code of its error. */
const outcome = (promise: Promise<boolean>): Promise<unknown> =>
  promise.catch((error: { code?: unknown }) => error.code);

describe('worker pool', () => {
  it('gives each job the verdict of its id, in whatever order the answers come', async () => {
    const pool = createPool('setTimeout(() => verdict(id, command === 1), command * 20);', {
      workers: 2,
      queueLimit: 8,
    });
    const commands = [1, 0, 2, 1, 0, 1];
    const verdicts = await Promise.all(commands.map((command) => submit(pool, command)));
    expect(verdicts).toEqual(commands.map((command) => command === 1));
  });

  it('accepts nothing but a literal true for a job that was given out', async () => {
    for (const answer of [
      'verdict(id, 1)',
      'verdict(id, "true")',
      'verdict(id)',
      'verdict(id + 1, true)',
      'verdict(String(id), true)',
      'parentPort.postMessage(true)',
      'parentPort.postMessage(null)',
      'parentPort.postMessage({ type: "ready" })',
      'parentPort.postMessage({ type: "key_refused" })',
      'parentPort.postMessage({ id, valid: true })',
    ]) {
      expect(await outcome(submit(createPool(answer))), answer).toBe('server_error');
    }
    expect(await submit(createPool('verdict(id, true)'))).toBe(true);
    expect(await submit(createPool('verdict(id, false)'))).toBe(false);
  });

  it('replaces a thread that crashes, and rejects what it was working on', async () => {
    for (const crash of [
      'process.exit(0)',
      'throw new Error()',
      'queueMicrotask(() => { throw 1; })',
    ]) {
      const pool = createPool(`if (command === 9) { ${crash} } else verdict(id, true);`);
      expect(await submit(pool)).toBe(true);
      expect(await outcome(submit(pool, 9))).toBe('server_error');
      expect(await submit(pool)).toBe(true);
    }
  });

  it('replaces a thread that hangs', async () => {
    // Long enough for the thread that takes its place to start on a busy machine.
    const pool = createPool('if (command === 9) for (;;); else verdict(id, true);', {
      timeout: 8000,
    });
    await pool.ready();
    expect(await outcome(submit(pool, 9))).toBe('server_error');
    expect(await submit(pool)).toBe(true);
  });

  it('says busy to a job that waited too long', async () => {
    const pool = createPool('', { timeout: 400, queueLimit: 4 });
    await pool.ready();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => outcome(submit(pool))));
    // Two were with the thread, which is lost; two waited.
    expect(outcomes.sort()).toEqual(['busy', 'busy', 'server_error', 'server_error']);
  });

  it('bounds each lane on its own', async () => {
    const pool = createPool('', { queueLimit: 3, timeout: 60_000 });
    await pool.ready();
    const pending = Array.from({ length: 2 + 3 }, () => outcome(submit(pool)));
    expect(await outcome(submit(pool))).toBe('busy');
    expect(await outcome(submit(pool))).toBe('busy');
    pending.push(...Array.from({ length: 3 }, () => outcome(submit(pool, 0, 'enroll'))));
    expect(await outcome(submit(pool, 0, 'enroll'))).toBe('busy');
    await pool.close();
    expect(await Promise.all(pending)).toEqual(pending.map(() => 'not_ready'));
  });

  it('serves the lanes in turn', async () => {
    const order: string[] = [];
    const pool = createPool('setTimeout(() => verdict(id, true), 5);', { queueLimit: 8 });
    const track = (lane: ProofLane) => submit(pool, 0, lane).then(() => order.push(lane));
    const all = [...Array(6).fill('enroll'), ...Array(2).fill('token')].map(track);
    await Promise.all(all);
    expect(order.lastIndexOf('token')).toBeLessThan(5);
  });

  it('rejects everything when closed, and stays closed', async () => {
    const pool = createPool('');
    const pending = [outcome(submit(pool)), outcome(submit(pool, 0, 'enroll'))];
    await pool.close();
    expect(await Promise.all(pending)).toEqual(['not_ready', 'not_ready']);
    expect(await outcome(submit(pool))).toBe('not_ready');
    await expect(pool.ready()).rejects.toMatchObject({ code: 'not_ready' });
    await pool.close();
  });

  it('reports threads that do not start, and tries again when asked', async () => {
    const pool = createPool('}); process.exit(3); parentPort.on("x", () => {');
    await expect(pool.ready()).rejects.toMatchObject({ code: 'not_ready' });
    expect(await outcome(submit(pool))).toBe('not_ready');
    await expect(pool.ready()).rejects.toMatchObject({ code: 'not_ready' });
  });

  it('shows the thread neither the environment nor the arguments of the process', async () => {
    process.env.PZK_TEST_CANARY = 'canary';
    const pool = createPool(`
      const { argv, env, execArgv } = process;
      verdict(id, Object.keys(env).length === 0 && argv.length === 2 && execArgv.length === 0);
    `);
    expect(await submit(pool)).toBe(true);
    delete process.env.PZK_TEST_CANARY;
  });
});
