import { PzkError } from '@pzk-auth/protocol';
import { assertTimeToLive } from '../time-to-live.js';

interface Entry<T> {
  readonly key: string;
  value: T;
  /** Milliseconds of the clock; the entry is gone from this moment on. */
  expiresAt: number;
}

/** A promise to look at an entry at a moment; the entry may have been renewed or replaced since. */
interface Appointment<T> {
  readonly at: number;
  readonly entry: Entry<T>;
}

/** Options of {@link ExpiringMap}. */
export interface ExpiringMapOptions {
  /** How many entries there may be. */
  readonly maxEntries: number;
  /** Milliseconds since any fixed moment. */
  readonly clock: () => number;
}

/**
 * A map of bounded size whose entries expire. It never evicts a live entry: when it is full it
 * refuses the next, since a forgotten nonce would be a nonce that can be used twice.
 *
 * There is no timer. Each write first drops what has expired, found through a binary heap by
 * expiry: the cost is logarithmic for each entry, once, however the lifetimes are mixed.
 */
export class ExpiringMap<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #clock: () => number;
  readonly #maxEntries: number;
  #heap: Appointment<T>[] = [];

  constructor(options: ExpiringMapOptions) {
    this.#clock = options.clock;
    this.#maxEntries = options.maxEntries;
  }

  /** How many entries are held, expired ones that no write has dropped yet included. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#live(key)?.value;
  }

  has(key: string): boolean {
    return this.#live(key) !== undefined;
  }

  /**
   * Writes an entry, replacing what was there.
   *
   * @throws PzkError `store_unavailable` if the map is full of live entries
   * @throws RangeError if the lifetime is no positive integer
   */
  set(key: string, value: T, ttl: number): void {
    this.reserve([key]);
    const expiresAt = this.#expiry(ttl);
    const old = this.#entries.get(key);
    if (old !== undefined) {
      old.value = value;
      this.#renew(old, expiresAt);
      return;
    }
    const entry = { key, value, expiresAt };
    this.#entries.set(key, entry);
    this.#push({ at: expiresAt, entry });
  }

  /** Replaces the value of a live entry and leaves its expiry; `false` if there is none. */
  update(key: string, value: T): boolean {
    const entry = this.#live(key);
    if (entry === undefined) return false;
    entry.value = value;
    return true;
  }

  /** Gives a live entry a new lifetime from now; `false` if there is none. */
  touch(key: string, ttl: number): boolean {
    const expiresAt = this.#expiry(ttl);
    const entry = this.#live(key);
    if (entry === undefined) return false;
    this.#renew(entry, expiresAt);
    return true;
  }

  /** Milliseconds that a live entry still has; 0 if there is none. */
  remaining(key: string): number {
    const entry = this.#live(key);
    return entry === undefined ? 0 : entry.expiresAt - this.#clock();
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /**
   * Checks that there is room for all of these keys, so that several writes can be all or nothing.
   *
   * @throws PzkError `store_unavailable`
   */
  reserve(keys: readonly string[]): void {
    this.#sweep();
    const fresh = new Set(keys.filter((key) => !this.#entries.has(key)));
    if (this.#entries.size + fresh.size > this.#maxEntries) {
      throw new PzkError('store_unavailable', 'The memory store is full.');
    }
  }

  #live(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#clock() < entry.expiresAt ? entry : undefined;
  }

  #expiry(ttl: number): number {
    assertTimeToLive(ttl);
    return this.#clock() + ttl;
  }

  #renew(entry: Entry<T>, expiresAt: number): void {
    // Later: the standing appointment finds the entry alive and makes a new one.
    const earlier = expiresAt < entry.expiresAt;
    entry.expiresAt = expiresAt;
    if (earlier) this.#push({ at: expiresAt, entry });
  }

  #sweep(): void {
    const now = this.#clock();
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > now) break;
      this.#pop();
      const { entry } = first;
      if (this.#entries.get(entry.key) !== entry) continue;
      if (entry.expiresAt <= now) this.#entries.delete(entry.key);
      else this.#push({ at: entry.expiresAt, entry });
    }
    // Deleted and shortened entries leave appointments behind: rebuild before they outnumber.
    if (this.#heap.length > 2 * this.#entries.size + 64) {
      const appointments = [...this.#entries.values()].map((entry) => ({
        at: entry.expiresAt,
        entry,
      }));
      // A sorted array is a heap.
      this.#heap = appointments.sort((a, b) => a.at - b.at);
    }
  }

  #push(appointment: Appointment<T>): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Appointment<T>;
      if (above.at <= appointment.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = appointment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && right.at < left.at) {
        smaller = right;
        child++;
      }
      if (last.at <= smaller.at) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}
