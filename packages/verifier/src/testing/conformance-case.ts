import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One demand that a store has to meet. It belongs to no test runner.
 *
 * @example
 * ```ts
 * for (const { name, run } of nonceStoreConformance(() => myStores.nonces)) it(name, run);
 * ```
 */
export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an `AssertionError` where the store fails the demand. */
  readonly run: () => Promise<void>;
}

/**
 * Makes or opens a store; called once for each case. It may be the same store each time unless its
 * suite says otherwise: the cases use random ids.
 */
export type CreateStore<T> = () => T | Promise<T>;

/** Options of the suites of short-lived stores. */
export interface ConformanceOptions {
  /**
   * Moves the store's clock. Default: waits, at most 1.5 seconds for each case that looks at expiry.
   */
  readonly advance?: ((milliseconds: number) => void | Promise<void>) | undefined;
}

/** A lifetime that a case lets pass. Milliseconds. */
export const SHORT = 1_000;
/** How far a case advances to be past {@link SHORT}. */
export const PAST_SHORT = 1_300;
/** A lifetime that outlasts every case. */
export const LONG = 600_000;
/** How many parallel calls race for one thing. */
export const PARALLEL = 200;

/** Moves the clock as the options say. */
export async function advance(options: ConformanceOptions, milliseconds: number): Promise<void> {
  if (options.advance === undefined) await sleep(milliseconds);
  else await options.advance(milliseconds);
}

/** A random id, distinct in every case and run. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}

/** Starts `PARALLEL` calls at once and waits for all. */
export function race<T>(call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: PARALLEL }, (_, index) => call(index)));
}

/** Compares rows as data: an absent member and an undefined one are the same. */
export function assertRow(actual: unknown, expected: unknown): void {
  assert.deepEqual(plain(actual), plain(expected));
}

function plain(row: unknown): unknown {
  return row === undefined ? undefined : JSON.parse(JSON.stringify(row));
}

/** Tries to spoil an object that a store has been given or has handed out. */
export function spoil(target: object | undefined): void {
  if (target === undefined) return;
  for (const name of Object.keys(target)) {
    const member: unknown = Reflect.get(target, name);
    if (typeof member === 'object' && member !== null) spoil(member);
    // Refused on a frozen object, which is the best answer.
    else Reflect.set(target, name, 'spoilt');
  }
  if (Array.isArray(target) && Object.isExtensible(target)) target.push('spoilt');
}

/** Keys that a careless store mangles, merges or takes for a pattern. All are distinct. */
export function oddKeys(): readonly string[] {
  const id = randomId();
  return [
    id,
    id.toLowerCase() === id ? id.toUpperCase() : id.toLowerCase(),
    `${id} `,
    ` ${id}`,
    `${id}\0`,
    `${id}\0tail`,
    `${id}\r\n`,
    `${id}\r\nSET x y\r\n`,
    `${id}*`,
    `${id}?`,
    `${id}[a-z]`,
    `${id}%`,
    `${id}_`,
    `{${id}}`,
    `${id}'; --`,
    `${id}\u00e9`,
    `${id}e\u0301`,
    `${id}${'x'.repeat(10_240)}`,
    `${id}${'x'.repeat(10_239)}y`,
    `${id}{`,
    `{}${id}`,
  ];
}
