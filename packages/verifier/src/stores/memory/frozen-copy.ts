function copy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(copy));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, copy(member)] as const);
  return Object.freeze(Object.fromEntries(entries));
}

/**
 * Copies a row (plain objects, arrays, strings, numbers) and freezes the copy in depth, so that
 * neither who wrote a row nor who reads it can change what is stored. A frozen row may then be
 * handed out without another copy.
 */
export function frozenCopy<T>(row: T): T {
  return copy(row) as T;
}
