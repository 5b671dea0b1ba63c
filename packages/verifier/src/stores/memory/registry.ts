const memory = new WeakSet<object>();

/** Notes a store that lives in this process alone. */
export function registerMemoryStore<T extends object>(store: T): T {
  memory.add(store);
  return store;
}

/** Whether a store is one of `memoryStores()`: no other process sees what it holds. */
export function isMemoryStore(store: object): boolean {
  return memory.has(store);
}
