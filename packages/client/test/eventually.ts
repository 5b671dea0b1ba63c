import { vi } from 'vitest';

/** Waits until a look throws nothing, as long as a busy machine may need. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: 30_000 });
}
