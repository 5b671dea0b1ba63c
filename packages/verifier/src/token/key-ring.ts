import { isPzkError, PzkError } from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import type { SigningKeyRow, SigningKeyStore } from '../stores/durable-stores.js';
import { createKeyWrap, type StoredKey } from './key-wrap.js';
import {
  assertSigns,
  generateSigningKey,
  isKid,
  type PrivateSigningKey,
  type SigningAlgorithm,
  type SigningKey,
} from './signing-key.js';

/** Where a key stands: published before it signs, signing, or verifying the tokens that it signed. */
export type SigningKeyStatus = 'next' | 'active' | 'retiring';

/** A signing key as administration sees it. */
export interface SigningKeyInfo {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly status: SigningKeyStatus;
  /** `made` by the verifier, or `configured` in `signing.keys`. */
  readonly origin: 'made' | 'configured';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly activeFrom: number;
}

/** What a key ring needs. */
export interface KeyRingOptions {
  readonly store: SigningKeyStore;
  /** Revokes a kid at all instances. */
  readonly revoke: (kid: string) => Promise<void>;
  readonly isRevoked: (kid: string) => Promise<boolean>;
  readonly secret: Uint8Array;
  readonly issuer: string;
  readonly clock: () => number;
  /** Keys of the configuration; empty: the verifier makes its own. */
  readonly configured: readonly SigningKey[];
  /** Algorithm of keys that are made. */
  readonly alg: SigningAlgorithm;
  readonly onChange: (
    change: 'added' | 'removed' | 'retired',
    key: { readonly kid: string; readonly activeFrom: number },
  ) => void;
  /** A reload that nobody waits for has failed; the keys that are known go on serving. */
  readonly onFault: (error: unknown) => void;
}

/** The signing keys of an issuer, shared by its instances through the store. */
export interface KeyRing {
  /** Reads the store; makes the first key where there is none, and checks that configured keys sign. */
  start(): Promise<void>;
  /** The key that signs now. */
  signer(): Promise<SigningKey>;
  /**
   * The key of a token. Reads the store in the background if that was long ago, and first if it was very
   * long ago. An unknown name is looked up in the store, not more often than once a second.
   */
  find(kid: string): Promise<SigningKey | undefined>;
  /** What the JWK set shows: next, active and retiring keys. */
  published(): Promise<readonly SigningKey[]>;
  list(): Promise<readonly SigningKeyInfo[]>;
  rotate(activeIn: number): Promise<SigningKeyInfo>;
  remove(kid: string): Promise<boolean>;
}

interface Entry extends StoredKey {
  readonly row: SigningKeyRow;
}

interface StandingEntry extends Entry {
  readonly status: SigningKeyStatus;
}

/** The public members of a key, with its name: what is kept of a configured one. */
function publicContent(key: SigningKey) {
  const { kty, crv, x, y } = key.publicJwk;
  return { kty, crv, x, y, kid: key.kid };
}

/** Creates the ring. Call `start` before anything else. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { store, clock, configured } = options;
  const wrap = createKeyWrap(options.secret, options.issuer);
  const own = new Map(configured.map((key) => [key.kid, key]));
  /** Opened rows by their text: a reload opens only what is new. */
  let opened = new Map<string, StoredKey>();
  let entries: readonly Entry[] = [];
  let loadedAt = Number.NaN;
  let loading: Promise<void> | undefined;

  async function open(rows: readonly SigningKeyRow[]): Promise<readonly Entry[]> {
    const found = await Promise.all(
      rows.map(async (row) => {
        const stored = opened.get(row.wrapped) ?? (await wrap.unwrap(row));
        // Signed by what the configuration holds: the store knows its public part only.
        return { ...stored, key: own.get(row.kid) ?? stored.key, row };
      }),
    );
    opened = new Map(found.map(({ row, ...stored }) => [row.wrapped, stored]));
    return found;
  }

  async function rowOf(key: PrivateSigningKey, activeFrom: number): Promise<SigningKeyRow> {
    const wrapped = await wrap.wrap(key.privateJwk);
    return { kid: key.kid, wrapped, createdAt: clock(), activeFrom };
  }

  /** Adds what this process brings: its configured keys, or where nobody can sign a key of its own. */
  async function contribute(found: readonly Entry[]): Promise<boolean> {
    const now = clock();
    const live = found.filter(({ removed }) => !removed);
    const known = new Map(found.map((entry) => [entry.row.kid, entry]));
    const missing = configured.find(({ kid }) => !known.has(kid));
    if (missing !== undefined) {
      const first = live.length === 0;
      const row: SigningKeyRow = {
        kid: missing.kid,
        wrapped: await wrap.wrap(publicContent(missing)),
        createdAt: now,
        activeFrom: first ? now : now + durations.signingKeyPublication,
      };
      return add(row, found.length === 0);
    }
    if (configured.length > 0 || live.some(({ key }) => key.sign !== undefined)) return false;
    return add(await rowOf(generateSigningKey(options.alg), now), found.length === 0);
  }

  async function add(row: SigningKeyRow, first: boolean): Promise<boolean> {
    // Of several instances that start together one inserts; all then read the same key.
    if (first) {
      if (await store.insertFirst(row)) options.onChange('added', row);
      return true;
    }
    try {
      await store.insert(row);
    } catch (error) {
      const rows = await store.list();
      if (!rows.some(({ kid }) => kid === row.kid)) throw error;
      return true;
    }
    options.onChange('added', row);
    return true;
  }

  async function load(): Promise<void> {
    const at = clock();
    let found = await open(await store.list());
    while (await contribute(found)) found = await open(await store.list());
    entries = found;
    loadedAt = at;
    await retire();
  }

  /** One load at a time. A caller that needs what was written just now says so. */
  async function reload(afterNow = false): Promise<void> {
    if (afterNow) await loading?.catch(() => {});
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  const isOlderThan = (age: number) => !(Math.abs(clock() - loadedAt) < age);
  const isStale = () => isOlderThan(durations.signingKeyRefresh);

  /** Keys with their status, in order of `activeFrom`; retired and removed ones left out. */
  function standing(): readonly StandingEntry[] {
    const now = clock();
    const live = entries.filter(({ removed }) => !removed);
    const begun = live.filter(({ row }) => row.activeFrom <= now);
    return live.flatMap((entry, index): readonly StandingEntry[] => {
      if (entry.row.activeFrom > now) return [{ ...entry, status: 'next' }];
      if (entry === begun.at(-1)) return [{ ...entry, status: 'active' }];
      const successor = live[index + 1]?.row.activeFrom ?? now;
      if (now >= successor + durations.signingKeyRetirement) return [];
      return [{ ...entry, status: 'retiring' }];
    });
  }

  /** Private parts are kept no longer than they serve. */
  async function retire(): Promise<void> {
    const kept = new Set(standing().map(({ row }) => row.kid));
    for (const { row, origin } of entries) {
      if (origin !== 'made' || kept.has(row.kid)) continue;
      try {
        if (await store.remove(row.kid)) options.onChange('retired', row);
      } catch (error) {
        options.onFault(error);
      }
    }
  }

  function choose(): SigningKey | undefined {
    const able = standing().filter(({ key }) => key.sign !== undefined);
    const begun = able.filter(({ status }) => status !== 'next');
    // Where none has begun, the first to come: published too late for some is better than no token.
    return (begun.at(-1) ?? able[0])?.key;
  }

  function toInfo({ key, row, origin, status }: StandingEntry): SigningKeyInfo {
    const { kid, createdAt, activeFrom } = row;
    return Object.freeze({ kid, alg: key.alg, status, origin, createdAt, activeFrom });
  }

  const byKid = (kid: string) => standing().find(({ row }) => row.kid === kid)?.key;

  let searching: Promise<void> | undefined;
  let searchedAt = Number.NEGATIVE_INFINITY;

  /** Whoever asks while a search waits for its turn shares it. */
  function search(): Promise<void> {
    searching ??= (async () => {
      const wait = Math.max(0, searchedAt + durations.unknownKidReload - performance.now());
      await new Promise((resolve) => setTimeout(resolve, wait));
      searchedAt = performance.now();
      searching = undefined;
      await reload(true);
    })();
    return searching;
  }

  return {
    async start() {
      await reload();
      for (const { row, removed } of entries) {
        if (!removed || !own.has(row.kid)) continue;
        // Not fatal: in an emergency a restart must not take the service down.
        const error = new PzkError('not_ready', `The signing key ${row.kid} was removed.`, {
          hint: 'Take it out of signing.keys.',
        });
        options.onFault(error);
      }
      if (choose() === undefined) throw new PzkError('not_ready', 'There is no key to sign with.');
      // Each of them, also those that sign later: the day of the change is too late to learn of a fault.
      const used = configured.filter(({ kid }) => standing().some(({ row }) => row.kid === kid));
      await Promise.all(used.map(assertSigns));
    },
    async signer() {
      if (isStale()) await reload();
      let key = choose();
      // Removed at another instance a moment ago: then the store knows its successor.
      if (key !== undefined && (await options.isRevoked(key.kid))) {
        await reload(true);
        key = choose();
        if (key !== undefined && (await options.isRevoked(key.kid))) key = undefined;
      }
      if (key === undefined) throw new PzkError('not_ready', 'There is no key to sign with.');
      return key;
    },
    async find(kid) {
      // A removed key is told by its revocation for as long as that is kept, later by the store alone.
      if (isOlderThan(durations.revocation / 2)) await reload();
      else if (isStale()) reload().catch(options.onFault);
      const known = byKid(kid);
      if (known !== undefined || !isKid(kid)) return known;
      await search();
      return byKid(kid);
    },
    async published() {
      // Without the store the known keys are still the best answer.
      if (isStale()) await reload().catch(options.onFault);
      return standing().map(({ key }) => key);
    },
    async list() {
      await reload(true);
      return standing().map(toInfo);
    },
    async rotate(activeIn) {
      if (configured.length > 0) {
        throw new TypeError('The keys are configured: add the next one to signing.keys.');
      }
      await reload(true);
      const activeFrom = clock() + activeIn;
      const waiting = standing().find(({ status, row }) => {
        return status === 'next' && row.activeFrom <= activeFrom;
      });
      if (waiting !== undefined) return toInfo(waiting);
      const row = await rowOf(generateSigningKey(options.alg), activeFrom);
      await store.insert(row);
      options.onChange('added', row);
      await reload(true);
      return toInfo(standing().find((entry) => entry.row.kid === row.kid) as StandingEntry);
    },
    async remove(kid) {
      if (!isKid(kid)) return false;
      await reload(true);
      const entry = entries.find(({ row, removed }) => row.kid === kid && !removed);
      const others = standing().filter(({ row, key }) => row.kid !== kid && key.sign !== undefined);
      const serves = others.some(({ status }) => status !== 'next');
      if (entry !== undefined && !serves) {
        if (configured.length === 0) {
          const row = await rowOf(generateSigningKey(options.alg), clock());
          await store.insert(row);
          options.onChange('added', row);
        } else if (others.length === 0) {
          throw new PzkError('not_ready', 'No other signing key could take over.', {
            hint: 'Add one to signing.keys first.',
          });
        }
      }
      if (entry !== undefined) {
        await store.remove(kid);
        if (entry.origin === 'configured') {
          const wrapped = await wrap.wrap({ ...publicContent(entry.key), removed: true });
          await store.insert({ ...entry.row, wrapped });
        }
      }
      // Also for a key that the store has lost: somebody may still hold it.
      await options.revoke(kid);
      await reload(true);
      if (entry !== undefined) options.onChange('removed', entry.row);
      return entry !== undefined;
    },
  };
}

/** Whether an error says that the verifier cannot tell, so that no token may be judged by it. */
export function isUnavailable(error: unknown): boolean {
  return isPzkError(error) && (error.code === 'store_unavailable' || error.code === 'not_ready');
}
