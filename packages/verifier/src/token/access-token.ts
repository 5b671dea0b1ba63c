import { limits, parseScope } from '@pzk-auth/protocol';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';
import type { KeyProtection, PzkSession } from '../session.js';
import type { SigningKeys } from './signing-keys.js';

/** Claims of an access token (RFC 9068 with `cnf.jkt` of RFC 9449 section 6.1). */
export interface AccessTokenClaims {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly key: string;
  readonly device: string;
  /** Canonical. */
  readonly scope: string;
  readonly jkt: string;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly keyProtection: KeyProtection;
  /** Hash of the canonical proof, for the audit; absent in renewed tokens. */
  readonly proofHash?: string;
}

/** Signs an access token. */
export async function signAccessToken(claims: AccessTokenClaims, keys: SigningKeys) {
  const { active } = keys;
  return new SignJWT({
    client_id: claims.key,
    scope: claims.scope,
    cnf: { jkt: claims.jkt },
    auth_time: claims.authTime,
    amr: [...claims.amr],
    device: claims.device,
    key_protection: claims.keyProtection,
    ...(claims.proofHash === undefined ? {} : { proof: claims.proofHash }),
  })
    .setProtectedHeader({ typ: 'at+jwt', alg: active.alg, kid: active.kid })
    .setIssuer(claims.issuer)
    .setAudience(claims.audience)
    .setSubject(claims.subject)
    .setJti(claims.jti)
    .setIssuedAt(claims.issuedAt)
    .setExpirationTime(claims.expiresAt)
    .sign(active.privateKey);
}

/** What verification of access tokens needs. */
export interface AccessTokenVerifierOptions {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly maximumLifetime: number;
  readonly clock: () => number;
  readonly keys: () => SigningKeys;
}

/** Verifies the text of an access token. */
export interface AccessTokenVerifier {
  /**
   * Not yet verified: possession of the session key (`jkt`), revocation, scope.
   *
   * @throws PzkError `invalid_token`
   */
  verify(token: string): Promise<PzkSession>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

const protections: ReadonlySet<unknown> = new Set<KeyProtection>(['passkey', 'device', 'none']);

function toSession(payload: JWTPayload, options: AccessTokenVerifierOptions): PzkSession {
  const { sub, client_id, scope, jti, iat, exp, aud, cnf, auth_time, amr, device } = payload;
  const jkt = (cnf as { jkt?: unknown } | undefined)?.jkt;
  const protection = payload.key_protection;
  if (
    !isText(sub) ||
    !isText(client_id) ||
    typeof scope !== 'string' ||
    !isText(jti) ||
    !isSeconds(iat) ||
    !isSeconds(exp) ||
    exp - iat > options.maximumLifetime ||
    !isText(aud) ||
    !options.audiences.has(aud) ||
    !isText(jkt) ||
    !isSeconds(auth_time) ||
    !Array.isArray(amr) ||
    !amr.every(isText) ||
    typeof device !== 'string' ||
    !protections.has(protection)
  ) {
    throw refusal('invalid_token', 'A claim is missing or odd.');
  }
  return Object.freeze({
    account: sub,
    key: client_id,
    device,
    scopes: Object.freeze(parseScope(scope)),
    audience: aud,
    jkt,
    jti,
    expiresAt: exp,
    authTime: auth_time,
    amr: Object.freeze([...amr]),
    keyProtection: protection as KeyProtection,
  });
}

const CACHE_SIZE = 10_000;

/** All that this issuer writes into a header. Whatever else stands there, it did not write. */
const HEADER: ReadonlySet<string> = new Set(['typ', 'alg', 'kid']);

/**
 * Creates the verifier of access tokens. A token that was verified is remembered by its exact text
 * until it expires: its signature cannot become wrong meanwhile. Possession, revocation and replay are
 * judged on each call, by `jkt` and `jti`, never by the text.
 */
export function createAccessTokenVerifier(
  options: AccessTokenVerifierOptions,
): AccessTokenVerifier {
  const cache = new Map<string, PzkSession>();

  async function verifySignature(token: string): Promise<PzkSession> {
    let payload: JWTPayload;
    try {
      const result = await jwtVerify(
        token,
        (header) => {
          // Only our own keys, found by kid: jku, x5u, x5c and jwk in the header are never followed.
          if (!Object.keys(header).every((name) => HEADER.has(name))) throw new TypeError('header');
          const key = header.kid === undefined ? undefined : options.keys().byKid.get(header.kid);
          if (key === undefined) throw new TypeError('unknown kid');
          return key.publicKey;
        },
        {
          algorithms: ['ES256', 'EdDSA'],
          typ: 'at+jwt',
          issuer: options.issuer,
          audience: [...options.audiences],
          requiredClaims: [
            'iss',
            'aud',
            'sub',
            'exp',
            'iat',
            'jti',
            'client_id',
            'cnf',
            'auth_time',
          ],
          currentDate: new Date(options.clock()),
        },
      );
      payload = result.payload;
    } catch (cause) {
      throw refusal('invalid_token', 'The token does not verify.', cause);
    }
    const session = toSession(payload, options);
    if (payload.iat !== undefined && payload.iat > seconds() + durations.tokenSkewSeconds) {
      throw refusal('invalid_token', 'The token comes from the future.');
    }
    return session;
  }

  const seconds = () => options.clock() / 1000;

  return {
    async verify(token) {
      if (token.length > limits.accessTokenBytes) throw refusal('invalid_token', 'Too long.');
      const cached = cache.get(token);
      if (cached !== undefined) {
        if (cached.expiresAt > seconds()) return cached;
        cache.delete(token);
        throw refusal('invalid_token', 'The token has expired.');
      }
      const session = await verifySignature(token);
      if (cache.size >= CACHE_SIZE) cache.clear();
      cache.set(token, session);
      return session;
    },
  };
}
