import { Worker } from 'node:worker_threads';
import { PzkError } from '@pzk-auth/protocol';
import { JobQueue } from './job-queue.js';
import type { ProofLane } from './proof-system.js';
import { VerificationKeyError } from './verification-key.js';
import {
  parseWorkerReport,
  type WorkerJob,
  type WorkerReport,
  type WorkerStart,
} from './worker-messages.js';

/** Options of {@link WorkerPool}. */
export interface WorkerPoolOptions {
  /** Source of the worker, a CommonJS script. */
  readonly source: string;
  readonly start: WorkerStart;
  /** Number of threads. */
  readonly workers: number;
  /** Jobs that may wait in each lane. */
  readonly queueLimit: number;
  /** Milliseconds that a job may take from its submission. */
  readonly timeout: number;
}

interface Job extends WorkerJob {
  settle(outcome: boolean | PzkError): void;
  /** The thread that works on it; none while it waits. */
  thread?: Thread;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  ready: boolean;
}

/**
 * Two jobs per thread: while the main thread is busy with something else for some milliseconds, a
 * thread that is done finds its next job waiting.
 */
const JOBS_PER_THREAD = 2;
/** Milliseconds for a thread to start; it is some 300 on an idle machine. */
const START_TIMEOUT = 30_000;
/** Milliseconds before a thread that ended during its start is started again. */
const RESTART_DELAY = 500;

/**
 * Threads that verify proofs. A thread that crashes, hangs or answers what it was not asked is
 * replaced; its jobs are rejected, never repeated and never accepted. Idle threads do not keep the
 * process alive.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #threads = new Set<Thread>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #queue: JobQueue<Job>;
  #lastId = 0;
  #ready: Promise<void> | undefined;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#queue = new JobQueue(options.queueLimit);
  }

  /** Starts the threads; resolves when all are ready. A failed start can be tried again. */
  ready(): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#ready === undefined) {
      const starts = Array.from({ length: this.#options.workers }, () => this.#startThread());
      this.#ready = Promise.all(starts).then(
        () => undefined,
        (error: unknown) => {
          const reason = startError(error);
          this.#ready = undefined;
          void this.#fail(reason);
          throw reason;
        },
      );
    }
    return this.#ready;
  }

  /** Whether the proof is valid. The arrays move to the thread, so they must not be used again. */
  verify(
    signals: Uint8Array<ArrayBuffer>,
    proof: Uint8Array<ArrayBuffer>,
    lane: ProofLane,
  ): Promise<boolean> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timer = setTimeout(() => this.#expire(job), this.#options.timeout);
      const job: Job = {
        id,
        signals,
        proof,
        settle: (outcome) => {
          clearTimeout(timer);
          if (typeof outcome === 'boolean') resolve(outcome);
          else reject(outcome);
        },
      };
      if (!this.#queue.push(job, lane)) {
        job.settle(new PzkError('busy', 'Too many proofs are waiting.'));
        return;
      }
      // A failure reaches the job itself, through #fail.
      this.ready().catch(() => undefined);
      this.#dispatch();
    });
  }

  /** Ends the threads and rejects all jobs. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await this.#fail(closedError());
  }

  /** Rejects all jobs and ends all threads. */
  async #fail(error: PzkError): Promise<void> {
    for (const job of this.#queue.clear()) job.settle(error);
    const threads = [...this.#threads];
    for (const thread of threads) this.#discard(thread, error);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      while (thread.ready && thread.jobs.size < JOBS_PER_THREAD) {
        // The idlest thread first: no second job while another has none.
        if (thread.jobs.size > 0 && this.#hasIdleThread()) break;
        const job = this.#queue.shift();
        if (job === undefined) return;
        job.thread = thread;
        thread.jobs.set(job.id, job);
        thread.worker.ref();
        const message: WorkerJob = { id: job.id, signals: job.signals, proof: job.proof };
        thread.worker.postMessage(message, [job.signals.buffer, job.proof.buffer] as ArrayBuffer[]);
      }
    }
  }

  #hasIdleThread(): boolean {
    for (const thread of this.#threads) if (thread.ready && thread.jobs.size === 0) return true;
    return false;
  }

  /** A job waited too long, or its thread hangs. */
  #expire(job: Job): void {
    if (job.thread === undefined) {
      this.#queue.remove(job);
      job.settle(new PzkError('busy', 'The proof waited too long to be verified.'));
      return;
    }
    this.#replace(job.thread, new PzkError('server_error', 'A proof worker did not answer.'));
  }

  #startThread(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.#options.source, {
        eval: true,
        name: 'pzk-proof',
        workerData: this.#options.start,
        // Nothing of the process reaches the thread: no secrets of its environment, no flags, and
        // what it might print goes nowhere (reading these streams would keep the process alive).
        env: {},
        argv: [],
        execArgv: [],
        stdin: false,
        stdout: true,
        stderr: true,
      });
      const thread: Thread = { worker, jobs: new Map(), ready: false };
      this.#threads.add(thread);

      const timer = setTimeout(
        () => end(new Error('A proof worker did not start in time.')),
        START_TIMEOUT,
      );
      /** The thread is of no more use. After its start that is a replacement, before a failure. */
      const end = (cause: unknown): void => {
        clearTimeout(timer);
        if (!this.#threads.has(thread)) {
          reject(closedError());
          return;
        }
        const error = new PzkError('server_error', 'A proof worker ended.', { cause });
        if (thread.ready) this.#replace(thread, error);
        else {
          this.#discard(thread, error);
          reject(cause);
        }
      };
      worker.on('error', end);
      worker.on('messageerror', end);
      worker.on('exit', (code) => end(new Error(`The thread ended with code ${code}.`)));
      worker.on('message', (message: unknown) => {
        if (!this.#threads.has(thread)) return;
        const report = parseWorkerReport(message);
        if (report?.type === 'ready' && !thread.ready) {
          clearTimeout(timer);
          thread.ready = true;
          worker.unref();
          resolve();
          this.#dispatch();
        } else if (report?.type === 'key_refused' && !thread.ready) {
          end(
            new VerificationKeyError(
              'point_invalid',
              'A point of the key is not on its curve or not in its subgroup.',
            ),
          );
        } else if (!this.#accept(thread, report)) {
          end(new Error('The thread answered what it was not asked.'));
        }
      });
    });
  }

  /** Settles the job of a verdict; `false` if this is none, or of no job of this thread. */
  #accept(thread: Thread, report: WorkerReport | undefined): boolean {
    if (report?.type !== 'verdict') return false;
    const job = thread.jobs.get(report.id);
    if (job === undefined) return false;
    thread.jobs.delete(job.id);
    if (thread.jobs.size === 0) thread.worker.unref();
    job.settle(report.valid === true);
    this.#dispatch();
    return true;
  }

  #discard(thread: Thread, error: PzkError): void {
    this.#threads.delete(thread);
    for (const job of thread.jobs.values()) job.settle(error);
    thread.jobs.clear();
    void thread.worker.terminate();
  }

  #replace(thread: Thread, error: PzkError): void {
    this.#discard(thread, error);
    if (!this.#closed) this.#startThread().catch(() => this.#restartLater());
  }

  #restartLater(): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#startThread().catch(() => this.#restartLater());
    }, RESTART_DELAY);
    timer.unref();
    this.#restarts.add(timer);
  }
}

function closedError(): PzkError {
  return new PzkError('not_ready', 'The proof system is closed.');
}

function startError(cause: unknown): PzkError {
  if (cause instanceof PzkError) return cause;
  return new PzkError('not_ready', 'The proof workers did not start.', { cause });
}
