import { ownershipV1 } from '@pzk-auth/circuits';
import { formatScope, isScopeToken } from '@pzk-auth/protocol';
import type { Prover } from './prover/index.js';
import type { ClientStorage } from './storage/client-storage.js';
import { createIndexedDbStorage } from './storage/indexeddb-storage.js';
import { createMemoryStorage } from './storage/memory-storage.js';
import type { PasskeyAuthenticator } from './webauthn/passkeys.js';

/** Identity of a circuit, from the application's own build. */
export interface CircuitPins {
  /** E.g. `ownership/v1`. */
  readonly id: string;
  /** What the prover loads. `sha256` in lower-case hex, `bytes` its size. */
  readonly prover: { readonly sha256: string; readonly bytes: number };
  /** The verification key. `sha256` in lower-case hex. */
  readonly verificationKey: { readonly sha256: string };
}

/** Options of `createClient`. */
export interface ClientOptions {
  /** The issuer's URL, exactly as the server has it: `https`, or `http` on localhost. */
  readonly issuer: string;
  /** Scopes to ask for, at least one. */
  readonly scope: readonly string[];
  /** Audience of the tokens, as the server has it. Default: `resource`, else `issuer`. */
  readonly audience?: string;
  /** RFC 8707 resource to ask for. Default: none, the server's own audience. */
  readonly resource?: string;
  /**
   * WebAuthn RP id. Default: host of the page, or of the issuer outside a browser. Every origin that
   * may use an RP id can obtain the same passkey secrets: name no wider domain than needed.
   */
  readonly rpId?: string;
  /** Where the endpoints are. Default: `{issuer}/pzk`. */
  readonly baseUrl?: string;
  /** Makes proofs. Default: a worker, and in Node the calling thread. */
  readonly prover?: Prover;
  /** Hashes of the circuit. Default: those of the `@pzk-auth/circuits` of this build. */
  readonly circuit?: CircuitPins;
  /** Default: `navigator.credentials`. */
  readonly authenticator?: PasskeyAuthenticator;
  /**
   * Default: IndexedDB, and memory where there is none. What a storage does not take, because it is
   * blocked or full, is kept for as long as the page lives.
   */
  readonly storage?: ClientStorage;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
  /** Origins besides those of issuer and audience to which `fetch` may send the token. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Where the authenticator has no PRF: keep the API key under a key of this browser's storage
   * instead. Weaker, and the token says so (`key_protection: 'device'`). Default false.
   */
  readonly allowWithoutPrf?: boolean;
  /**
   * What an API key has to look like. For keys that the issuer did not make: demand a form that
   * holds at least 112 random bits, as a guessable key can be guessed from its commitment.
   */
  readonly keyPattern?: RegExp;
  /** Seconds before its end at which a token is renewed. Default 60. */
  readonly renewBefore?: number;
}

/** The options with every default resolved. */
export interface ClientConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly resource: string | undefined;
  readonly rpId: string;
  readonly baseUrl: string;
  /** Canonical. */
  readonly scope: string;
  readonly circuit: CircuitPins;
  readonly prover: Prover | undefined;
  readonly authenticator: PasskeyAuthenticator | undefined;
  readonly storage: ClientStorage;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
  readonly tokenOrigins: ReadonlySet<string>;
  readonly allowWithoutPrf: boolean;
  readonly keyPattern: RegExp | undefined;
  readonly renewBefore: number;
}

const OPTIONS: Readonly<Record<keyof ClientOptions, true>> = {
  issuer: true,
  scope: true,
  audience: true,
  resource: true,
  rpId: true,
  baseUrl: true,
  prover: true,
  circuit: true,
  authenticator: true,
  storage: true,
  fetch: true,
  clock: true,
  allowedOrigins: true,
  allowWithoutPrf: true,
  keyPattern: true,
  renewBefore: true,
};

/** A misspelt option would leave its default in place, unnoticed. */
function assertKnownOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('createClient: options are needed: at least issuer and scope.');
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, name)) continue;
    const near = Object.keys(OPTIONS).find((one) => one.toLowerCase() === name.toLowerCase());
    const help = near ?? `one of ${Object.keys(OPTIONS).join(', ')}`;
    throw new TypeError(`createClient: there is no option ${name}; write ${help}.`);
  }
}

const LOOPBACK = /^(127(\.\d+){3}|\[::1\])$/;

function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function parseOptionUrl(name: string, text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`createClient: ${name} must be an absolute URL.`);
  }
  if (LOOPBACK.test(url.hostname)) {
    throw new TypeError(
      `createClient: ${name} uses ${url.hostname}; passkeys need a name. Write localhost instead.`,
    );
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocalhost(url.hostname))) {
    throw new TypeError(`createClient: ${name} must be https; http works on localhost only.`);
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new TypeError(`createClient: ${name} must have no query, fragment or credentials.`);
  }
  return url;
}

/** An identifier is compared and hashed as text, so it has one spelling. */
function parseIdentifier(name: string, text: string): URL {
  const url = parseOptionUrl(name, text);
  const canonical = (url.pathname === '/' ? url.origin : url.href).replace(/\/+$/, '');
  if (text !== canonical) {
    throw new TypeError(`createClient: ${name} must be written as ${canonical}.`);
  }
  return url;
}

function createDefaultStorage(): ClientStorage {
  // Also an `indexedDB` that throws when it is touched is there: its storage says so when it is used.
  return 'indexedDB' in globalThis ? createIndexedDbStorage() : createMemoryStorage();
}

/** Host of the page; `undefined` outside a browser. */
function pageHost(): string | undefined {
  return typeof document === 'object' && typeof location === 'object'
    ? location.hostname
    : undefined;
}

function resolveRpId(rpId: string | undefined, issuer: URL): string {
  const host = pageHost();
  if (host !== undefined && LOOPBACK.test(host)) {
    throw new TypeError(
      `createClient: the page is open at ${host}, where passkeys do not work. Open it at localhost.`,
    );
  }
  const resolved = rpId ?? host ?? issuer.hostname;
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(resolved)) {
    throw new TypeError('createClient: rpId must be a host name: no scheme, port or path.');
  }
  if (host !== undefined && host !== resolved && !host.endsWith(`.${resolved}`)) {
    throw new TypeError(
      `createClient: rpId ${resolved} does not fit the page at ${host}; it must be this host or a domain above it.`,
    );
  }
  return resolved;
}

function resolveScope(scope: readonly string[]): string {
  if (!Array.isArray(scope) || scope.length === 0 || !scope.every((one) => isScopeToken(one))) {
    throw new TypeError("createClient: scope must be a list of scopes, e.g. ['weather:read'].");
  }
  return formatScope(scope);
}

function resolveCircuit(circuit: CircuitPins | undefined): CircuitPins {
  if (circuit !== undefined) {
    const { id, prover, verificationKey } = circuit;
    if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(verificationKey?.sha256)) {
      throw new TypeError('createClient: circuit must hold id, prover and verificationKey.sha256.');
    }
    // A copy: what was checked must not change. The prover checks its own part.
    return Object.freeze({ id, prover: { ...prover }, verificationKey: { ...verificationKey } });
  }
  const { prover, verificationKey } = ownershipV1.artifacts;
  if (prover === undefined) throw new TypeError('createClient: this build has no prover artifact.');
  return { id: ownershipV1.id, prover, verificationKey };
}

function resolveRenewBefore(seconds: number | undefined): number {
  const value = seconds ?? 60;
  if (!Number.isFinite(value) || value < 0) {
    throw new TypeError('createClient: renewBefore must be a number of seconds.');
  }
  return value;
}

/**
 * Checks the options and resolves their defaults, once. The caller's object is left as it is.
 *
 * @throws TypeError for a programmer's mistake, with a hint.
 */
export function resolveClientOptions(options: ClientOptions): ClientConfig {
  assertKnownOptions(options);
  const issuer = parseIdentifier('issuer', options.issuer);
  const audience = options.audience ?? options.resource ?? options.issuer;
  const audienceUrl = parseIdentifier('audience', audience);
  if (options.resource !== undefined) parseIdentifier('resource', options.resource);
  const baseUrl = (options.baseUrl ?? `${options.issuer}/pzk`).replace(/\/+$/, '');
  parseOptionUrl('baseUrl', baseUrl);
  const allowed = (options.allowedOrigins ?? []).map(
    (origin) => parseOptionUrl('allowedOrigins', origin).origin,
  );
  const { authenticator, prover, fetch: customFetch, keyPattern } = options;
  return Object.freeze({
    issuer: options.issuer,
    audience,
    resource: options.resource,
    rpId: resolveRpId(options.rpId, issuer),
    baseUrl,
    scope: resolveScope(options.scope),
    circuit: resolveCircuit(options.circuit),
    prover,
    authenticator,
    storage: options.storage ?? createDefaultStorage(),
    // Bound late and to the global object: some browsers refuse a detached `fetch`.
    fetch: customFetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? (() => Date.now()),
    tokenOrigins: new Set([issuer.origin, audienceUrl.origin, ...allowed]),
    allowWithoutPrf: options.allowWithoutPrf ?? false,
    keyPattern,
    renewBefore: resolveRenewBefore(options.renewBefore),
  });
}
