import { isScopeToken } from '@pzk-auth/protocol';
import { type AuthenticateRequest, demandedScopes } from '../exchange/authenticate.js';
import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { ApiKeyCaller } from '../session.js';
import { type ProtectOptions, policyOf, type VerifiedApiKey } from './api-key-policy.js';
import { askApplication } from './ask-application.js';
import { deprecationHeaders } from './deprecation-headers.js';
import { readApiKey } from './read-api-key.js';
import { registerCommitment } from './register-commitment.js';

/** A call with a plain API key that was let in. */
export interface AdmittedApiKey {
  readonly caller: ApiKeyCaller;
  /** For the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

function isOptionalText(value: unknown, key: string): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '' && value !== key);
}

function toCaller(verified: VerifiedApiKey, key: string): ApiKeyCaller {
  // A list is the result of a query, and an empty one is truthy.
  if (typeof verified !== 'object' || Array.isArray(verified)) {
    throw new TypeError('allowApiKey has to answer false or an object.');
  }
  const { user, id, scopes = [] } = verified;
  if (!isOptionalText(user, key) || !isOptionalText(id, key)) {
    throw new TypeError('allowApiKey: user and id are texts, and neither is the key.');
  }
  if (!Array.isArray(scopes) || !scopes.every(isScopeToken)) {
    throw new TypeError('allowApiKey: scopes is a list of scope tokens.');
  }
  return Object.freeze({
    kind: 'api-key',
    user,
    id,
    scopes: Object.freeze([...new Set<string>(scopes)].sort()),
  });
}

/**
 * Lets a plain API key in by the application's own check; undefined where the request has none, or the
 * route takes none.
 *
 * @throws PzkError those of {@link readApiKey} and {@link registerCommitment}; `invalid_token` for a
 * key that the application does not know, or after the deadline; `insufficient_scope`;
 * `insufficient_user_authentication`; `too_many_requests`; `store_unavailable` or `server_error` where
 * the check failed.
 */
export async function authenticateApiKey(
  engine: Engine,
  request: AuthenticateRequest,
  options: ProtectOptions,
): Promise<AdmittedApiKey | undefined> {
  if (options.allowApiKey === undefined) return undefined;
  const policy = policyOf(options.allowApiKey);
  const key = readApiKey(request.headers);
  if (key === undefined) return undefined;
  if (policy.until !== undefined && !(engine.config.clock() < policy.until.getTime())) {
    throw refusal('invalid_token', 'API keys are not taken any more.');
  }
  const watched = await engine.limits.watchAddress(request.address);
  let verified: VerifiedApiKey | false | undefined;
  try {
    verified = (await askApplication(() => policy.verify(key, request))) || false;
  } finally {
    await watched.settle(verified === false);
  }
  if (!verified) throw refusal('invalid_token', 'The application does not know the API key.');
  const caller = toCaller(verified, key);
  if (!demandedScopes(options.scope).every((scope) => caller.scopes.includes(scope))) {
    throw refusal('insufficient_scope', 'The API key lacks a scope.');
  }
  if (options.maxAge !== undefined) {
    throw refusal('insufficient_user_authentication', 'An API key shows no person.');
  }
  const commitment = request.headers.get('pzk-commitment');
  const registration =
    commitment === null || policy.registerCommitments === undefined
      ? {}
      : await registerCommitment(engine, {
          apiKey: key,
          commitment,
          caller,
          options: policy.registerCommitments,
        });
  engine.emit({ type: 'legacy_key_used', id: caller.id ?? '' });
  return { caller, headers: { ...deprecationHeaders(policy), ...registration } };
}
