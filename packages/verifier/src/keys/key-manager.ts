import { randomBytes } from 'node:crypto';
import {
  computeCommitment,
  formatApiKey,
  isFieldElement,
  isScopeToken,
  PzkError,
  parseApiKey,
} from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { isExactText } from '../exact-text.js';
import type { Engine } from '../exchange/engine.js';
import { revocationId } from '../exchange/revocation-ids.js';
import { getKey } from '../exchange/standing.js';
import { assertOptionNames } from '../option-names.js';
import { randomId } from '../random-id.js';
import type { KeyDemand, KeyRow } from '../stores/durable-stores.js';

/** What a new key is to be. */
export interface KeyOptions {
  /** Scope tokens that the key may ask for; each known to the issuer. */
  readonly scopes: readonly string[];
  /** The account that owns it. Default: a new account. */
  readonly account?: string;
  /** What it demands besides the proof. Default `passkey`. */
  readonly demands?: KeyDemand;
  /** A name for people. */
  readonly label?: string;
  /** Whole milliseconds since the epoch. Default: never. */
  readonly expiresAt?: number;
}

/** A key that was just issued: the only time that it exists at the issuer. */
export interface IssuedKey {
  /** The API key itself. Show it once; it is stored nowhere. */
  readonly apiKey: string;
  readonly row: KeyRow;
}

/** How an API key is rotated. */
export interface RotateKeyOptions {
  /**
   * Seconds for which the old key stays good beside the new one. Default 86,400 (a day), at most 90
   * days. 0 revokes it at once: for a key that became known.
   */
  readonly grace?: number;
  /**
   * When the new key expires, milliseconds since the epoch; `null`: never. Required where the old key
   * expires, be it by its own time or by an earlier rotation; else the default is never.
   */
  readonly expiresAt?: number | null;
}

/** A new key in place of an old one. */
export interface RotatedKey extends IssuedKey {
  /** The old key, as it stands now. */
  readonly previous: KeyRow;
}

/** Administration of API keys. */
export interface KeyManager {
  /** Makes a key of 256 random bits and stores its commitment. */
  issue(options: KeyOptions): Promise<IssuedKey>;
  /**
   * Registers the commitment of a key that exists elsewhere. Whether that key can be guessed cannot be
   * seen from its commitment: demand a pattern with at least 112 random bits at the client.
   *
   * @throws TypeError if the commitment is malformed.
   * @throws PzkError `commitment_known` if some key has this commitment.
   */
  register(options: KeyOptions & { readonly commitment: string }): Promise<KeyRow>;
  get(id: string): Promise<KeyRow | undefined>;
  list(account: string): Promise<readonly KeyRow[]>;
  /**
   * Issues a key of the same account, scopes, demand and label, and lets the old one expire after the
   * grace: until then both are good. A token that was issued before may outlive a grace that is shorter
   * than itself. A browser goes on with the key in its vault. `undefined` if there is no such active
   * key.
   *
   * @throws TypeError if an option is odd or missing, or the key has a scope that the verifier knows no
   * more.
   * @throws PzkError `store_unavailable`: then the old key is as it was.
   */
  rotate(id: string, options?: RotateKeyOptions): Promise<RotatedKey | undefined>;
  /** Ends a key, its sessions and its tokens; when this resolves, all instances refuse them. */
  revoke(id: string): Promise<boolean>;
}

/** All of them, with that of `register`: the compiler checks it. */
const KEY_OPTIONS = Object.keys({
  scopes: true,
  account: true,
  demands: true,
  label: true,
  expiresAt: true,
  commitment: true,
} satisfies Record<keyof KeyOptions | 'commitment', true>);
const ROTATE_OPTIONS = Object.keys({
  grace: true,
  expiresAt: true,
} satisfies Record<keyof RotateKeyOptions, true>);

const DEFAULT_GRACE = 86_400;
const MAXIMUM_GRACE = 90 * 86_400;

const DEMANDS: ReadonlySet<KeyDemand> = new Set(['passkey', 'keypair', 'none']);

/** ECMA-262, 21.4.1.1: the last time that a date can have. A row with a later one could not be shown. */
const LAST_TIME = 8.64e15;

function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && value <= LAST_TIME;
}

/** Creates the key manager of an issuer. */
export function createKeyManager(engine: Engine): KeyManager {
  const { config, stores } = engine;

  function assertOptions(options: KeyOptions): void {
    if (!Array.isArray(options?.scopes)) {
      throw new TypeError("scopes must be a list of scope tokens: ['weather:read'].");
    }
    assertOptionNames('keys', options, KEY_OPTIONS);
    if (options.demands !== undefined && !DEMANDS.has(options.demands)) {
      throw new TypeError('demands is passkey, keypair or none.');
    }
    for (const scope of options.scopes) {
      if (!isScopeToken(scope) || !config.scopes.has(scope)) {
        throw new TypeError(`scopes: ${String(scope)} is not among the verifier's scopes.`);
      }
    }
    const { expiresAt, label } = options;
    if (expiresAt !== undefined && !(isTime(expiresAt) && expiresAt > config.clock())) {
      throw new TypeError(
        'expiresAt must lie in the future, in whole milliseconds since the epoch.',
      );
    }
    // Now, as long as nothing is written: a database would refuse it later.
    if (label !== undefined && (typeof label !== 'string' || !isExactText(label))) {
      throw new TypeError('label must be a text, without NUL and halves of surrogate pairs.');
    }
  }

  async function ownerOf(options: KeyOptions): Promise<string> {
    if (options.account === undefined) {
      const id = randomId();
      await stores.accounts.insert({ id, createdAt: config.clock() });
      return id;
    }
    const account = await stores.accounts.get(options.account);
    if (account === undefined || account.revokedAt !== undefined) {
      throw new TypeError('There is no such active account.');
    }
    return account.id;
  }

  async function register(options: KeyOptions & { readonly commitment: string }): Promise<KeyRow> {
    assertOptions(options);
    if (!isFieldElement(options.commitment)) {
      throw new TypeError('commitment must be a canonical field element.');
    }
    // Before the account is made: a refusal leaves nothing behind.
    if ((await stores.keys.findByCommitment(options.commitment)) !== undefined) {
      throw new PzkError('commitment_known', 'This commitment is registered already.');
    }
    const row: KeyRow = {
      id: randomId(),
      account: await ownerOf(options),
      commitment: options.commitment,
      scopes: [...new Set(options.scopes)].sort(),
      demands: options.demands ?? 'passkey',
      label: options.label,
      createdAt: config.clock(),
      expiresAt: options.expiresAt,
    };
    if (!(await stores.keys.insert(row))) {
      throw new PzkError('commitment_known', 'This commitment is registered already.');
    }
    return row;
  }

  /** Nobody is told of a key before the audit log has it. */
  async function announce(type: 'key_issued' | 'key_registered', row: KeyRow): Promise<void> {
    const { account, id: key, scopes } = row;
    await engine.emit({ type, account, key, scope: scopes.join(' ') });
  }

  async function issue(options: KeyOptions): Promise<IssuedKey> {
    const entropy = Uint8Array.from(randomBytes(32));
    const apiKey = formatApiKey(config.keyPrefix, entropy);
    entropy.fill(0);
    const commitment = computeCommitment(parseApiKey(apiKey), config.issuer);
    const row = await register({ ...options, commitment });
    await announce('key_issued', row);
    return { apiKey, row };
  }

  async function revoke(id: string): Promise<boolean> {
    const row = await stores.keys.get(id);
    // Durable first, then the copy that every call reads, then the answer.
    if (row === undefined || !(await stores.keys.revoke(id, config.clock()))) return false;
    await stores.revocations.revoke([revocationId.key(id)], durations.revocation);
    engine.emit({ type: 'revoked', kind: 'key', id, account: row.account });
    return true;
  }

  /** Ends the old key now or later. If that fails, nobody saw its successor: it goes, too. */
  async function retire(id: string, successor: string, at: number, now: number): Promise<void> {
    try {
      if (at <= now) await revoke(id);
      else await stores.keys.expire(id, at);
    } catch (error) {
      await revoke(successor).catch(() => {});
      throw error;
    }
  }

  async function rotate(
    id: string,
    options: RotateKeyOptions = {},
  ): Promise<RotatedKey | undefined> {
    assertOptionNames('keys.rotate', options, ROTATE_OPTIONS);
    const { grace = DEFAULT_GRACE, expiresAt } = options;
    if (!Number.isSafeInteger(grace) || grace < 0 || grace > MAXIMUM_GRACE) {
      throw new TypeError(`grace is a whole number of seconds, at most ${MAXIMUM_GRACE}.`);
    }
    const now = config.clock();
    const { key: old } = await getKey(engine, id, now);
    if (old === undefined) return undefined;
    const { account, scopes, demands, label } = old;
    if (old.expiresAt !== undefined && expiresAt === undefined) {
      throw new TypeError('The key expires: say with expiresAt until when the new one is good.');
    }
    const issued = await issue({
      account,
      scopes,
      demands,
      ...(label === undefined ? {} : { label }),
      ...(expiresAt === undefined || expiresAt === null ? {} : { expiresAt }),
    });
    const end = Math.min(now + grace * 1000, old.expiresAt ?? Number.MAX_SAFE_INTEGER);
    await retire(id, issued.row.id, end, now);
    const successor = issued.row.id;
    engine.emit({ type: 'key_rotated', account, key: id, successor, expiresAt: end });
    const previous = await stores.keys.get(id);
    return { ...issued, previous: previous ?? old };
  }

  return {
    async register(options) {
      const row = await register(options);
      await announce('key_registered', row);
      return row;
    },
    issue,
    get: (id) => stores.keys.get(id),
    list: (account) => stores.keys.listByAccount(account),
    rotate,
    revoke,
  };
}
