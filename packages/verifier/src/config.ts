import { randomBytes } from 'node:crypto';
import {
  decodeBase64url,
  isApiKeyPrefix,
  isBase64url,
  isScopeToken,
  limits,
  utf8,
} from '@pzk-auth/protocol';
import type { RateLimits } from './limits/limits.js';
import { parseRateLimits } from './limits/parse-rate-limits.js';
import { assertOptionNames } from './option-names.js';
import type { VaultResetOptions, VerifierOptions } from './options.js';
import { storeNames } from './stores/fail-closed.js';
import { importSigningKey, type SigningAlgorithm, type SigningKey } from './token/signing-key.js';

/** A service that may ask about tokens. */
export interface ResourceServerConfig {
  /** 32 bytes. */
  readonly secretHash: Uint8Array;
  readonly audiences: ReadonlySet<string>;
}

/** The options with every default resolved; frozen. */
export interface VerifierConfig
  extends Readonly<
    Required<
      Omit<
        VerifierOptions,
        | 'audience'
        | 'origins'
        | 'scopes'
        | 'secret'
        | 'authorize'
        | 'circuits'
        | 'rateLimits'
        | 'signing'
        | 'resourceServers'
        | 'vaultReset'
      >
    >
  > {
  /** The default audience. */
  readonly audience: string;
  readonly audiences: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
  readonly scopes: ReadonlySet<string>;
  readonly secret: Uint8Array;
  readonly rateLimits: Readonly<Required<RateLimits>>;
  readonly authorize: VerifierOptions['authorize'];
  /** Keys of the configuration, read; algorithm of those that are made. */
  readonly signing: { readonly keys: readonly SigningKey[]; readonly alg: SigningAlgorithm };
  readonly vaultReset: Readonly<Required<VaultResetOptions>>;
  /** By their id. */
  readonly resourceServers: ReadonlyMap<string, ResourceServerConfig>;
  /** Public URL of the endpoints, without a trailing slash. */
  readonly baseUrl: string;
}

const LOCAL_HOST = /^(([a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])$/;

/** All of them: the compiler checks it. */
const OPTIONS = Object.keys({
  issuer: true,
  audience: true,
  rpId: true,
  origins: true,
  scopes: true,
  stores: true,
  basePath: true,
  publicUrl: true,
  secret: true,
  signing: true,
  tokenLifetime: true,
  sessionLifetime: true,
  sessionIdle: true,
  firstDeviceWindow: true,
  keyPrefix: true,
  authorize: true,
  vaultReset: true,
  releaseRetention: true,
  allowWithoutPrf: true,
  allowSyncedPasskeys: true,
  pairwiseSubjects: true,
  circuits: true,
  addressFailureLimit: true,
  deviceFailureLimit: true,
  pageSessions: true,
  audit: true,
  resourceServers: true,
  rateLimits: true,
  dpopNonces: true,
  onEvent: true,
  clock: true,
} satisfies Record<keyof VerifierOptions, true>);

const isTextList = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** What programs without types get wrong, told in the words of the options. */
function assertShapes(options: VerifierOptions): void {
  assertOptionNames('createVerifier', options, OPTIONS);
  const { issuer, audience, rpId, origins, scopes } = options;
  if (typeof issuer !== 'string') {
    throw new TypeError("issuer is required: the URL of this service, 'https://api.example.com'.");
  }
  if (typeof audience !== 'string' && !isTextList(audience)) {
    throw new TypeError(
      "audience is required: a URL or a list of them, 'https://api.example.com'.",
    );
  }
  if (typeof rpId !== 'string') {
    throw new TypeError("rpId is required: the host of the page, 'app.example.com'.");
  }
  if (!isTextList(origins)) {
    throw new TypeError("origins must be a list of pages: ['https://app.example.com'].");
  }
  if (!isTextList(scopes)) {
    throw new TypeError("scopes must be a list of scope tokens: ['weather:read'].");
  }
}

function assertStores(stores: VerifierOptions['stores'] | undefined): void {
  const missing = storeNames.filter((name) => typeof stores?.[name] !== 'object');
  if (missing.length === storeNames.length) {
    throw new TypeError('stores is required: memoryStores(), or those of /sql and /redis.');
  }
  if (missing.length > 0) {
    throw new TypeError(
      `stores lacks ${missing.join(', ')}: { ...sqlStores({ ... }), ...redisStores({ ... }) } has all.`,
    );
  }
}

function parseUrl(name: string, text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`${name} must be an absolute URL.`);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOCAL_HOST.test(url.hostname))) {
    throw new TypeError(`${name} must use https; plain http is for localhost only.`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError(`${name} must have no credentials, query or fragment.`);
  }
  return url;
}

/** An identifier URL has one spelling: it is compared and hashed as text. */
function parseIdentifier(name: string, text: string): string {
  const url = parseUrl(name, text);
  const canonical = url.pathname === '/' ? url.origin : url.origin + url.pathname;
  if (text !== canonical || text.endsWith('/')) {
    throw new TypeError(`${name} must be written as ${canonical.replace(/\/+$/, '')}.`);
  }
  if (text.length > limits.identifierCharacters) {
    throw new TypeError(`${name} is too long: ${limits.identifierCharacters} characters at most.`);
  }
  return text;
}

function parseOrigin(text: string, rpId: string): string {
  const url = parseUrl('Each of origins', text);
  if (url.origin !== text) throw new TypeError(`An origin must be written as ${url.origin}.`);
  const host = url.hostname;
  if (host === '127.0.0.1' || host === '[::1]') {
    throw new TypeError(
      'WebAuthn refuses IP addresses: open the page as http://localhost and write that into origins.',
    );
  }
  if (host !== rpId && !host.endsWith(`.${rpId}`)) {
    throw new TypeError(`rpId ${rpId} fits neither ${host} nor a parent domain of it.`);
  }
  return text;
}

function parseRpId(rpId: string): string {
  if (/^[0-9.]+$|:|^\[/.test(rpId) && !rpId.includes('/')) {
    throw new TypeError('rpId must be a domain name: for an IP address or a port write localhost.');
  }
  if (!/^(localhost|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?)$/.test(rpId)) {
    throw new TypeError('rpId must be a domain name in lower case, without scheme and port.');
  }
  return rpId;
}

function parseSecret(secret: VerifierOptions['secret'], production: boolean): Uint8Array {
  if (secret === undefined) {
    if (production) {
      throw new TypeError(
        'secret is required in production: 32 random bytes, shared by all instances. ' +
          'Make one with: openssl rand -base64 32',
      );
    }
    return randomBytes(32);
  }
  const bytes = typeof secret === 'string' ? utf8(secret) : Uint8Array.from(secret);
  if (bytes.length < 32 || new Set(bytes).size < 8) {
    throw new TypeError(
      'secret must hold at least 32 random bytes. Text is taken as UTF-8, not decoded: the base64 or ' +
        'hex text of 32 bytes will do.',
    );
  }
  return bytes;
}

function parseSigning(options: VerifierOptions['signing'] = {}): VerifierConfig['signing'] {
  assertOptionNames('signing', options, ['keys', 'alg']);
  const { alg = 'ES256' } = options;
  if (alg !== 'ES256' && alg !== 'EdDSA') throw new TypeError('signing.alg is ES256 or EdDSA.');
  const keys = (options.keys ?? []).map(importSigningKey);
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) {
    throw new TypeError('signing.keys holds two keys of one kid.');
  }
  return { keys, alg };
}

function parseResourceServers(
  servers: VerifierOptions['resourceServers'] = [],
  known: ReadonlySet<string>,
): ReadonlyMap<string, ResourceServerConfig> {
  const parsed = new Map<string, ResourceServerConfig>();
  for (const { id, secretHash, audience } of servers) {
    if (typeof id !== 'string' || !/^[A-Za-z0-9._~-]{1,128}$/.test(id) || parsed.has(id)) {
      throw new TypeError('resourceServers: each id is unique, 1 to 128 letters, digits, . _ ~ -');
    }
    if (!isBase64url(secretHash) || decodeBase64url(secretHash).length !== 32) {
      throw new TypeError('resourceServers: secretHash is base64url of a SHA-256 hash.');
    }
    const audiences = typeof audience === 'string' ? [audience] : audience;
    if (audiences.length === 0 || !audiences.every((each) => known.has(each))) {
      throw new TypeError('resourceServers: audience names audiences of the verifier.');
    }
    const hash = decodeBase64url(secretHash);
    parsed.set(id, { secretHash: hash, audiences: new Set(audiences) });
  }
  return parsed;
}

const DEFAULT_RESET_DELAY = 72 * 3600;
const MAXIMUM_RESET_DELAY = 30 * 24 * 3600;

function parseVaultReset(
  options: VerifierOptions['vaultReset'] = {},
): Readonly<Required<VaultResetOptions>> {
  assertOptionNames('vaultReset', options, ['after']);
  const { after = DEFAULT_RESET_DELAY } = options;
  return Object.freeze({ after: parseNumber('vaultReset.after', after, 0, MAXIMUM_RESET_DELAY) });
}

function parseDpopNonces(mode: VerifierOptions['dpopNonces'] = 'off'): 'off' | 'required' {
  if (mode !== 'off' && mode !== 'required') throw new TypeError('dpopNonces: off or required.');
  return mode;
}

/** Text from the environment would be true, also 'false'. */
function parseFlag(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false.`);
  return value;
}

function parseFunction<T>(name: string, value: T): T {
  if (typeof value !== 'function') throw new TypeError(`${name} is a function.`);
  return value;
}

function parseNumber(name: string, value: number, minimum: number, maximum: number): number {
  if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw new TypeError(`${name} must be a whole number from ${minimum} to ${maximum}.`);
  }
  return value;
}

function parseBasePath(path: string): string {
  if (!/^(\/[A-Za-z0-9._~-]+)+$/.test(path)) {
    throw new TypeError('basePath must start with / and not end with one.');
  }
  return path;
}

/**
 * Checks the options and resolves the defaults, once.
 *
 * @throws TypeError on anything that security depends on and that is missing, odd or inconsistent.
 */
export function resolveConfig(options: VerifierOptions): VerifierConfig {
  assertShapes(options);
  const production = process.env.NODE_ENV === 'production';
  const issuer = parseIdentifier('issuer', options.issuer);
  const list = typeof options.audience === 'string' ? [options.audience] : options.audience;
  const audiences = list.map((audience) => parseIdentifier('audience', audience));
  const [audience] = audiences;
  if (audience === undefined) throw new TypeError('audience is required.');
  const rpId = parseRpId(options.rpId);
  const origins = options.origins.map((origin) => parseOrigin(origin, rpId));
  if (origins.length === 0) throw new TypeError('origins must name at least one page.');
  if (options.scopes.length === 0 || !options.scopes.every(isScopeToken)) {
    throw new TypeError('scopes must name at least one scope token, without spaces and quotes.');
  }
  if (options.scopes.some((scope) => scope.length > limits.scopeBytes)) {
    throw new TypeError(`A scope is too long: ${limits.scopeBytes} characters at most.`);
  }
  assertStores(options.stores);
  const keyPrefix = options.keyPrefix ?? 'pzk';
  if (!isApiKeyPrefix(keyPrefix)) {
    throw new TypeError('keyPrefix: lower-case words joined by _, at most 12 characters.');
  }
  const basePath = parseBasePath(options.basePath ?? '/pzk');
  const publicUrl = parseUrl('publicUrl', options.publicUrl ?? new URL(issuer).origin);
  return Object.freeze({
    issuer,
    audience,
    audiences: new Set(audiences),
    rpId,
    origins: new Set(origins),
    scopes: new Set(options.scopes),
    stores: options.stores,
    basePath,
    baseUrl: issuer + basePath,
    publicUrl: publicUrl.href.replace(/\/+$/, ''),
    secret: parseSecret(options.secret, production),
    signing: parseSigning(options.signing),
    resourceServers: parseResourceServers(options.resourceServers, new Set(audiences)),
    dpopNonces: parseDpopNonces(options.dpopNonces),
    tokenLifetime: parseNumber('tokenLifetime', options.tokenLifetime ?? 300, 60, 900),
    sessionLifetime: parseNumber('sessionLifetime', options.sessionLifetime ?? 3600, 60, 3600),
    sessionIdle: parseNumber('sessionIdle', options.sessionIdle ?? 900, 60, 900),
    firstDeviceWindow: parseNumber(
      'firstDeviceWindow',
      options.firstDeviceWindow ?? 86_400,
      0,
      30 * 86_400,
    ),
    keyPrefix,
    authorize: options.authorize && parseFunction('authorize', options.authorize),
    vaultReset: parseVaultReset(options.vaultReset),
    releaseRetention: parseNumber(
      'releaseRetention',
      options.releaseRetention ?? 90 * 86_400,
      86_400,
      3650 * 86_400,
    ),
    allowWithoutPrf: parseFlag('allowWithoutPrf', options.allowWithoutPrf ?? false),
    allowSyncedPasskeys: parseFlag('allowSyncedPasskeys', options.allowSyncedPasskeys ?? true),
    pairwiseSubjects: parseFlag('pairwiseSubjects', options.pairwiseSubjects ?? false),
    pageSessions: parseFlag('pageSessions', options.pageSessions ?? false),
    addressFailureLimit: parseNumber(
      'addressFailureLimit',
      options.addressFailureLimit ?? 60,
      1,
      1_000_000,
    ),
    deviceFailureLimit: parseNumber(
      'deviceFailureLimit',
      options.deviceFailureLimit ?? 10,
      1,
      1_000_000,
    ),
    rateLimits: parseRateLimits(options.rateLimits),
    audit: parseFlag('audit', options.audit ?? true),
    onEvent: parseFunction('onEvent', options.onEvent ?? (() => {})),
    clock: parseFunction('clock', options.clock ?? Date.now),
  });
}
