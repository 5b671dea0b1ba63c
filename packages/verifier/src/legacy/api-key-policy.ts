import { isScopeToken } from '@pzk-auth/protocol';
import type { VerifierConfig } from '../config.js';
import type { AuthenticateOptions, AuthenticateRequest } from '../exchange/authenticate.js';
import { assertOptionNames } from '../option-names.js';
import type { ApiKeyCaller } from '../session.js';
import type { KeyDemand } from '../stores/durable-stores.js';

/** What the application knows about a plain API key that it accepts. */
export interface VerifiedApiKey {
  /** The application's user who owns the key. */
  readonly user?: string;
  /** Scope tokens of the key. Default none: it then passes only routes that demand none. */
  readonly scopes?: readonly string[];
  /** The application's id of the key, for events. Never the key or a part of it. */
  readonly id?: string;
}

/**
 * The application's own check of a plain API key. `false` refuses it. What it throws becomes a 503
 * (500 for a programming error) without detail, and so does no answer within 5 seconds.
 */
export type VerifyApiKey = (
  key: string,
  request: AuthenticateRequest,
) => Promise<VerifiedApiKey | false> | VerifiedApiKey | false;

/** How the commitment of a plain API key is registered, so that its owner can move over. */
export interface RegisterCommitments {
  /** Scope tokens that the registered key gets, as far as the call's key has them. Default those. */
  readonly scopes?: readonly string[];
  /** What the registered key demands besides the proof. Default `passkey`. */
  readonly demands?: KeyDemand;
  /**
   * What a key has to look like to be registered: at least 112 random bits, because one that can be
   * guessed can be guessed from its commitment. Keys of less than 18 characters never are.
   */
  readonly pattern?: RegExp;
  /**
   * The account that the key is registered for. Default: the one linked to the application's user; a
   * new one, linked to the user, where there is none.
   */
  readonly account?: (caller: ApiKeyCaller) => Promise<string | undefined> | string | undefined;
}

/** How long and how plain API keys go on working. */
export interface ApiKeyPolicy {
  readonly verify: VerifyApiKey;
  /** From then on plain API keys are refused as unknown (`Sunset`, RFC 8594). Default: never. */
  readonly until?: Date;
  /** Since when they are deprecated (`Deprecation`, RFC 9745). Default: since the process started. */
  readonly since?: Date;
  /** Address of a page that says how to move (`Link`). */
  readonly documentation?: string;
  /** Lets a call register the commitment of its own key. Default: not. */
  readonly registerCommitments?: RegisterCommitments;
}

/** What a route demands that still lets plain API keys in. */
export interface ProtectOptions extends AuthenticateOptions {
  /**
   * The application's check, or a policy with one: `Authorization: Bearer <key>` and `X-API-Key: <key>`
   * go on working beside tokens. `maxAge` is never satisfied by them.
   */
  readonly allowApiKey?: VerifyApiKey | ApiKeyPolicy | undefined;
}

/** The policy of a route, in full. */
export function policyOf(allowed: VerifyApiKey | ApiKeyPolicy): ApiKeyPolicy {
  return typeof allowed === 'function' ? { verify: allowed } : allowed;
}

function isDate(value: unknown): value is Date {
  return value instanceof Date && Number.isSafeInteger(value.getTime());
}

const POLICY = Object.keys({
  verify: true,
  until: true,
  since: true,
  documentation: true,
  registerCommitments: true,
} satisfies Record<keyof ApiKeyPolicy, true>);

const REGISTRATION = Object.keys({
  scopes: true,
  demands: true,
  pattern: true,
  account: true,
} satisfies Record<keyof RegisterCommitments, true>);

const DEMANDS: ReadonlySet<unknown> = new Set<KeyDemand>(['passkey', 'keypair', 'none']);

/**
 * Checks a policy when a route is set up.
 *
 * @throws TypeError
 */
export function assertApiKeyPolicy(config: VerifierConfig, options: ProtectOptions): void {
  if (options.allowApiKey === undefined) return;
  const policy = policyOf(options.allowApiKey);
  assertOptionNames('allowApiKey', policy, POLICY);
  const { verify, until, since, documentation, registerCommitments } = policy;
  if (typeof verify !== 'function') {
    throw new TypeError('allowApiKey is a function, or an object with the function verify.');
  }
  if (until !== undefined && !isDate(until)) throw new TypeError('until is a Date.');
  if (since !== undefined && !isDate(since)) throw new TypeError('since is a Date.');
  // RFC 9745 section 4: nothing ends before it is deprecated.
  if (until !== undefined && since !== undefined && until < since) {
    throw new TypeError('until lies before since.');
  }
  if (documentation !== undefined && !/^https?:\/\/[^\s<>"]+$/.test(documentation)) {
    throw new TypeError('documentation is the address of a page.');
  }
  if (registerCommitments === undefined) return;
  assertOptionNames('registerCommitments', registerCommitments, REGISTRATION);
  const { scopes = [], demands = 'passkey', pattern } = registerCommitments;
  if (!scopes.every((scope) => isScopeToken(scope) && config.scopes.has(scope))) {
    throw new TypeError(
      'registerCommitments.scopes names a scope that the verifier does not know.',
    );
  }
  if (!DEMANDS.has(demands)) {
    throw new TypeError('registerCommitments.demands is passkey, keypair or none.');
  }
  if (pattern !== undefined && (!(pattern instanceof RegExp) || pattern.global || pattern.sticky)) {
    throw new TypeError('registerCommitments.pattern is a RegExp without the flags g and y.');
  }
}
