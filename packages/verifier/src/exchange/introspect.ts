import { timingSafeEqual } from 'node:crypto';
import { introspectionRequestSchema, isPzkError, parseMessage } from '@pzk-auth/protocol';
import type { ResourceServerConfig } from '../config.js';
import { readForm } from '../http/read-body.js';
import { hashResourceServerSecret } from '../keys/resource-server-secret.js';
import { refusal } from '../refuse.js';
import type { VerifiedToken } from '../token/access-token.js';
import type { Engine, RequestContext } from './engine.js';
import { assertAddressBudget } from './proof-check.js';
import { revocationIdsOfToken } from './revocation-ids.js';

/** Answer of `/introspect` (RFC 7662 section 2.2, RFC 9449 section 6.2, RFC 9470 section 6.2). */
export type Introspection =
  | { readonly active: false }
  | { readonly active: true; readonly [claim: string]: unknown };

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;
const NO_HASH = Buffer.alloc(32);

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function readBasic(header: string | null): { readonly id: string; readonly secret: string } {
  const encoded = BASIC.exec(header ?? '')?.[1] ?? '';
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  try {
    return { id: decodeForm(id), secret: decodeForm(rest.join(':')) };
  } catch {
    return { id: '', secret: '' };
  }
}

/** RFC 6749 section 2.3.1, `client_secret_basic`. An unknown server costs what a wrong secret costs. */
function findServer(engine: Engine, request: Request): ResourceServerConfig | undefined {
  const { id, secret } = readBasic(request.headers.get('authorization'));
  const server = engine.config.resourceServers.get(id);
  const matches = timingSafeEqual(hashResourceServerSecret(secret), server?.secretHash ?? NO_HASH);
  return matches ? server : undefined;
}

/**
 * A server that shows its secret asks for each call that it gets, and stands where others may fail: a
 * limit of its address would let anybody there, or many good calls, cut it off. Nobody guesses its secret,
 * so the budget of whoever shows none protects time only.
 */
async function authenticateServer(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<ResourceServerConfig> {
  const server = findServer(engine, request);
  if (server !== undefined) return server;
  await engine.limits.countRequest(context.address);
  await assertAddressBudget(engine, context);
  throw refusal('invalid_client', 'Unknown resource server, or a wrong secret.');
}

async function findToken(
  engine: Engine,
  server: ResourceServerConfig,
  text: string,
): Promise<VerifiedToken | undefined> {
  let token: VerifiedToken;
  try {
    token = await engine.tokens.verify(text);
  } catch (error) {
    if (isPzkError(error) && error.code === 'invalid_token') return undefined;
    throw error;
  }
  // RFC 7662 section 4: a server learns nothing about tokens that are not for it.
  if (!server.audiences.has(token.session.audience)) return undefined;
  const revoked = await engine.stores.revocations.isRevoked(revocationIdsOfToken(token));
  return revoked === false ? token : undefined;
}

/**
 * `POST {base}/introspect` (RFC 7662) for the configured resource servers. Whatever is wrong with a token,
 * the answer is the same. Not verified here: the DPoP proof of the call, which is the server's to check
 * against `cnf.jkt`.
 *
 * @throws PzkError `invalid_client`, `too_many_requests`
 */
export async function introspectToken(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<Introspection> {
  const server = await authenticateServer(engine, request, context);
  const message = parseMessage(introspectionRequestSchema, await readForm(request));
  const token = await findToken(engine, server, message.token);
  if (token === undefined) return { active: false };
  const { session, issuedAt } = token;
  return {
    active: true,
    iss: engine.config.issuer,
    aud: session.audience,
    sub: session.account,
    client_id: session.key,
    scope: session.scopes.join(' '),
    token_type: 'DPoP',
    cnf: { jkt: session.jkt },
    jti: session.jti,
    iat: issuedAt,
    exp: session.expiresAt,
    auth_time: session.authTime,
    amr: session.amr,
    device: session.device,
    key_protection: session.keyProtection,
  };
}
