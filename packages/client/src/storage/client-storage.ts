/**
 * Where a client keeps what outlives a page: key pairs that cannot be exported, and what it
 * remembers of its device. Values are structured-cloneable objects, `CryptoKey` among them; hence
 * not localStorage, which would also hand keys to every script as text.
 */
export interface ClientStorage {
  /** The value of a key, `undefined` if absent. */
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  /**
   * Replaces a value by what a function makes of it, in one transaction: nobody, in no other tab, changes
   * it in between. Where the function throws, nothing is changed and the promise rejects with that.
   */
  update(key: string, change: (value: unknown) => unknown): Promise<void>;
  delete(key: string): Promise<void>;
}
