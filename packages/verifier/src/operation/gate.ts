import { refusal } from '../refuse.js';

/** Lets work in until it is closed, and knows what is still running. */
export interface Gate {
  readonly closed: boolean;
  /**
   * Runs work.
   *
   * @throws PzkError `busy` once the gate is closed: another instance will answer.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Lets nothing in any more and waits for what runs; resolves with what still ran in the end. */
  close(timeout: number): Promise<number>;
}

/** Creates an open gate. */
export function createGate(): Gate {
  let closed = false;
  let running = 0;
  let onEmpty: (() => void) | undefined;

  return {
    get closed() {
      return closed;
    },
    async run(work) {
      if (closed) throw refusal('busy', 'The verifier is closing.');
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        if (running === 0) onEmpty?.();
      }
    },
    async close(timeout) {
      closed = true;
      if (running === 0) return 0;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
        timer = setTimeout(resolve, timeout);
      });
      clearTimeout(timer);
      return running;
    },
  };
}
