/**
 * Where a client keeps what outlives a page: key pairs that cannot be exported, and what it
 * remembers of its device. Values are structured-cloneable objects, `CryptoKey` among them; hence
 * not localStorage, which would also hand keys to every script as text.
 */
export interface ClientStorage {
  /** The value of a key, `undefined` if absent. */
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
}
