/** A value to subscribe to, in the form of React's `useSyncExternalStore`. */
export interface Observable<T> {
  /** Calls the listener after each change. Returns the function that ends the subscription. */
  subscribe(listener: () => void): () => void;
  /** The present value: frozen, and the same object until it changes. */
  getSnapshot(): T;
}

/** An {@link Observable} that its owner can set. */
export interface SnapshotStore<T extends object> extends Observable<T> {
  set(value: T): void;
  /** Number of subscriptions. */
  size(): number;
}

/** Calls a listener. What it throws is its own affair, and reaches neither us nor the others. */
function notify(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    // Node has no such function.
    if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  }
}

/** @param onSubscriptions - Called when the first subscription starts and the last one ends. */
export function createSnapshotStore<T extends object>(
  initial: T,
  onSubscriptions?: (subscribed: boolean) => void,
): SnapshotStore<T> {
  let snapshot: T = Object.freeze(initial);
  // An object for each subscription: the same listener may subscribe twice (React StrictMode).
  const subscriptions = new Set<{ readonly listener: () => void }>();
  return {
    subscribe(listener) {
      const subscription = { listener };
      subscriptions.add(subscription);
      if (subscriptions.size === 1) onSubscriptions?.(true);
      return () => {
        if (subscriptions.delete(subscription) && subscriptions.size === 0) {
          onSubscriptions?.(false);
        }
      };
    },
    getSnapshot: () => snapshot,
    set(value) {
      snapshot = Object.freeze(value);
      for (const { listener } of [...subscriptions]) notify(listener);
    },
    size: () => subscriptions.size,
  };
}
