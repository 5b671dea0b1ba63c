/**
 * What the hooks subscribe to, in the form of React's `useSyncExternalStore`. The functions keep
 * their identity; reading never creates a client.
 */
export interface Snapshot<T> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly get: () => T;
  /** What the server renders and hydration starts with. */
  readonly getServer: () => T;
}
