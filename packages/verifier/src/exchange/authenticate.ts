import type { VerifierConfig } from '../config.js';
import { dpopReplayId, verifyDpopProof } from '../dpop/dpop-proof.js';
import { durations } from '../durations.js';
import { assertApiKeyPolicy, type ProtectOptions } from '../legacy/api-key-policy.js';
import { assertOptionNames } from '../option-names.js';
import { refusal } from '../refuse.js';
import type { PzkSession } from '../session.js';
import type { Engine } from './engine.js';
import { revocationIdsOfToken } from './revocation-ids.js';

/** The parts of a request that authentication reads. A Web `Request` is one. */
export interface AuthenticateRequest {
  readonly method: string;
  /** Absolute, or the path as the client sent it. Scheme and host are never used. */
  readonly url: string;
  /** Of a header that came twice, both values joined by a comma: it is then refused. */
  readonly headers: { get(name: string): string | null };
  /** Address of the client as the host sees it, for the failures of plain API keys. */
  readonly address?: string | undefined;
}

/** What a protected route demands. */
export interface AuthenticateOptions {
  /** Scope tokens, separated by spaces or as a list; all of them are needed. */
  readonly scope?: string | readonly string[];
  /** How long ago the person may have been asked, in seconds, at least 10 (RFC 9470). */
  readonly maxAge?: number;
  /** Demands this audience. By default each audience of the verifier will do. */
  readonly audience?: string;
}

/** The demanded scope tokens as a list. */
export function demandedScopes(scope: AuthenticateOptions['scope']): readonly string[] {
  const tokens = typeof scope === 'string' ? scope.split(' ') : (scope ?? []);
  return tokens.filter((token) => token !== '');
}

/** All of them: the compiler checks it. */
const DEMANDS = Object.keys({
  scope: true,
  maxAge: true,
  audience: true,
} satisfies Record<keyof AuthenticateOptions, true>);

/** What else may stand beside them. Left undefined it admits nobody, so that it may be present. */
const OPTIONS = [...DEMANDS, 'allowApiKey'];

/**
 * Checks demands when a route is set up, so that a typing error shows at start, and again at each call:
 * a demand that nobody reads would leave the route open.
 *
 * @throws TypeError
 */
export function assertDemands(config: VerifierConfig, options: ProtectOptions): void {
  assertOptionNames('protect', options, OPTIONS);
  for (const name of DEMANDS) {
    if (name in options && options[name as keyof AuthenticateOptions] === undefined) {
      throw new TypeError(`protect: ${name} is undefined; leave it out if nothing is demanded.`);
    }
  }
  const { scope, maxAge, audience } = options;
  if (scope !== undefined) {
    const isText = typeof scope === 'string';
    if (!isText && !(Array.isArray(scope) && scope.every((token) => typeof token === 'string'))) {
      throw new TypeError('scope must be scope tokens, separated by spaces or as a list.');
    }
    const demanded = demandedScopes(scope);
    if (demanded.length === 0) {
      throw new TypeError('scope names no token; leave it out if any session will do.');
    }
    const unknown = demanded.find((token) => !config.scopes.has(token));
    if (unknown !== undefined) {
      throw new TypeError(`scope: ${unknown} is not among the verifier's scopes.`);
    }
  }
  if (audience !== undefined && !config.audiences.has(audience)) {
    throw new TypeError('audience is not among those of the verifier.');
  }
  // Less than the time from touch to call could never be met.
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge >= 10)) {
    throw new TypeError('maxAge is a whole number of seconds, at least 10.');
  }
  assertApiKeyPolicy(config, options);
}

const DPOP_SCHEME = /^DPoP +([A-Za-z0-9._~+/-]+=*)$/i;

function readToken(headers: AuthenticateRequest['headers']): string {
  const header = headers.get('authorization');
  if (header === null) throw refusal('invalid_token', 'There is no token.');
  const match = DPOP_SCHEME.exec(header);
  // RFC 9449 section 7.1: a bound token under the scheme Bearer is refused.
  if (match?.[1] === undefined) throw refusal('invalid_token', 'Not the scheme DPoP.');
  return match[1];
}

/**
 * Clients resolve dot segments before they send, so only a target made by hand holds one. A router that
 * matches the raw path would see another resource in it than the proof names.
 */
const DOT_SEGMENT = /\/(\.|%2e){1,2}(?=\/|$)/i;

/** RFC 3986 section 3.2: nothing but a host and a port stands between scheme and path. */
const ABSOLUTE_FORM = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d+)?(\/.*)?$/i;

function publicUrlOf(engine: Engine, url: string): string {
  const { publicUrl } = engine.config;
  const [path = ''] = url.split(/[?#]/, 1);
  if (!DOT_SEGMENT.test(path)) {
    // The absolute form (RFC 9112 section 3.2.2), or a Web `Request`. Taken apart as text: the URL
    // parser would repair an odd target into another path than the one that a router sees.
    const absolute = ABSOLUTE_FORM.exec(path);
    const target = absolute === null ? path : (absolute[1] ?? '/');
    if (target.startsWith('/') && !target.includes('\\')) return publicUrl + target;
  }
  throw refusal('invalid_dpop_proof', 'The request target is odd.');
}

/** The audience that a request is for by its address: the longest that leads to it, else the default. */
export function audienceOf(engine: Engine, request: AuthenticateRequest): string {
  const { audience, audiences } = engine.config;
  if (audiences.size === 1) return audience;
  let url: string;
  try {
    url = publicUrlOf(engine, request.url);
  } catch {
    return audience;
  }
  const [longest = audience] = [...audiences]
    .filter((each) => url === each || url.startsWith(`${each}/`))
    .sort((a, b) => b.length - a.length);
  return longest;
}

function assertScope(session: PzkSession, scope: AuthenticateOptions['scope']): void {
  if (!demandedScopes(scope).every((token) => session.scopes.includes(token))) {
    throw refusal('insufficient_scope', 'The token lacks a scope.');
  }
}

function assertFresh(session: PzkSession, maxAge: number | undefined, now: number): void {
  if (maxAge === undefined) return;
  // A key that demands no passkey has no person to ask, however recent its proof is.
  const asked = session.amr.includes('user');
  // Written so that a maxAge that is no number refuses.
  if (!asked || !(now / 1000 - session.authTime <= maxAge)) {
    throw refusal('insufficient_user_authentication', 'The person was asked too long ago.');
  }
}

/**
 * Authenticates a protected call: token, DPoP proof with `ath` and `cnf.jkt`, revocation, scope and age,
 * and last, atomically, the replay record of the proof.
 *
 * @throws PzkError `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `insufficient_scope`,
 * `insufficient_user_authentication`, `too_many_requests`, `store_unavailable`
 */
export async function authenticateRequest(
  engine: Engine,
  request: AuthenticateRequest,
  options: AuthenticateOptions,
): Promise<PzkSession> {
  return authenticateAt(engine, () => publicUrlOf(engine, request.url), request, options);
}

/** The same for a request whose public URL is known. */
export async function authenticateAt(
  engine: Engine,
  url: () => string,
  request: Pick<AuthenticateRequest, 'method' | 'headers'>,
  options: AuthenticateOptions,
): Promise<PzkSession> {
  const { config, stores, tokens } = engine;
  const accessToken = readToken(request.headers);
  const token = await tokens.verify(accessToken);
  const { session } = token;
  const now = config.clock();
  const proof = await verifyDpopProof(request.headers.get('dpop'), {
    method: request.method,
    url: url(),
    accessToken,
    now,
    nonces: engine.dpopNonces,
  });
  if (proof.jkt !== session.jkt) {
    throw refusal('invalid_dpop_proof', 'The proof is of another key than the token.');
  }
  if (options.audience !== undefined && session.audience !== options.audience) {
    throw refusal('invalid_token', 'The token is for another audience.');
  }
  if ((await stores.revocations.isRevoked(revocationIdsOfToken(token))) !== false) {
    throw refusal('invalid_token', 'The token was revoked.');
  }
  assertScope(session, options.scope);
  assertFresh(session, options.maxAge, now);
  if ((await stores.replays.record(dpopReplayId(proof), durations.dpopJti)) !== true) {
    throw refusal('invalid_dpop_proof', 'The proof was used before.');
  }
  // After the replay record: a call that somebody repeats must not use up its owner's quota.
  await engine.limits.countCall(session.key);
  return session;
}
