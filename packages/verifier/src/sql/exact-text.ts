import { isExactText } from '../exact-text.js';

function assertExact(value: unknown): void {
  if (typeof value === 'string') {
    if (!isExactText(value)) throw new TypeError('A text that a database cannot hold exactly.');
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) assertExact(member);
  }
}

/**
 * Lets a store refuse texts that its database would shorten or replace: two different ids would
 * become one.
 */
export function withExactText<T extends object>(store: T): T {
  const guarded = Object.entries(store).map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      assertExact(args);
      return (method as (...args: unknown[]) => Promise<unknown>)(...args);
    },
  ]);
  return Object.freeze(Object.fromEntries(guarded)) as T;
}
