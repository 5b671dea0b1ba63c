/** Ceremonies that run: those of one component, or those of one kind below a provider. */
export interface Ceremonies {
  /** Registers a ceremony. */
  add(controller: AbortController): void;
  delete(controller: AbortController): void;
  /** Aborts all of them. */
  abort(): void;
}

/** Creates an empty set of ceremonies. */
export function createCeremonies(): Ceremonies {
  const running = new Set<AbortController>();
  return {
    add: (controller) => void running.add(controller),
    delete: (controller) => void running.delete(controller),
    abort: () => {
      for (const controller of [...running]) controller.abort();
    },
  };
}
