import { encodeBase64url, limits, parseScope, utf8 } from '@pzk-auth/protocol';
import { type JWTPayload, jwtVerify } from 'jose';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';
import type { KeyProtection, PzkSession } from '../session.js';
import { isUnavailable, type KeyRing } from './key-ring.js';
import { type SigningKey, signBytes } from './signing-key.js';

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

function encodeJson(value: unknown): string {
  return encodeBase64url(utf8(JSON.stringify(value)));
}

/**
 * Signs an access token. The compact form (RFC 7515 section 7.1) is put together here, because a key may
 * live outside of this process.
 */
export async function signAccessToken(claims: AccessTokenClaims, key: SigningKey): Promise<string> {
  const header = encodeJson({ typ: 'at+jwt', alg: key.alg, kid: key.kid });
  const payload = encodeJson({
    client_id: claims.key,
    scope: claims.scope,
    cnf: { jkt: claims.jkt },
    auth_time: claims.authTime,
    amr: claims.amr,
    device: claims.device,
    key_protection: claims.keyProtection,
    proof: claims.proofHash,
    iss: claims.issuer,
    aud: claims.audience,
    sub: claims.subject,
    jti: claims.jti,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
  });
  const signature = await signBytes(key, utf8(`${header}.${payload}`));
  return `${header}.${payload}.${encodeBase64url(signature)}`;
}

/** What verification of access tokens needs. */
export interface AccessTokenVerifierOptions {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly maximumLifetime: number;
  readonly clock: () => number;
  /** Tokens from before are refused, milliseconds since the epoch. */
  readonly issuedSince: number;
  readonly keys: Pick<KeyRing, 'find'>;
}

/** A token that verified. */
export interface VerifiedToken {
  readonly session: PzkSession;
  /** The key that signed it. */
  readonly kid: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
}

/** Verifies the text of an access token. */
export interface AccessTokenVerifier {
  /**
   * Not yet verified: possession of the session key (`jkt`), revocation, scope.
   *
   * @throws PzkError `invalid_token`; `store_unavailable` where the signing keys cannot be read.
   */
  verify(token: string): Promise<VerifiedToken>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
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
    kind: 'session',
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
  const cache = new Map<string, VerifiedToken>();

  async function verifySignature(token: string): Promise<VerifiedToken> {
    let payload: JWTPayload;
    let kid = '';
    try {
      const result = await jwtVerify(
        token,
        async (header) => {
          // Only our own keys, found by kid: jku, x5u, x5c and jwk in the header are never followed.
          if (!Object.keys(header).every((name) => HEADER.has(name))) throw new TypeError('header');
          const key = typeof header.kid === 'string' && (await options.keys.find(header.kid));
          if (!key || key.alg !== header.alg) throw new TypeError('unknown kid');
          kid = key.kid;
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
      if (isUnavailable(cause)) throw cause;
      throw refusal('invalid_token', 'The token does not verify.', cause);
    }
    const session = toSession(payload, options);
    const { iat: issuedAt = Number.NaN } = payload;
    if (!(issuedAt <= seconds() + durations.tokenSkewSeconds)) {
      throw refusal('invalid_token', 'The token comes from the future.');
    }
    // In whole seconds, as `iat` is.
    if (issuedAt < Math.floor(options.issuedSince / 1000)) {
      throw refusal('invalid_token', 'The token is older than what is known of revocations.');
    }
    return Object.freeze({ session, kid, issuedAt });
  }

  const seconds = () => options.clock() / 1000;

  return {
    async verify(token) {
      if (token.length > limits.accessTokenBytes) throw refusal('invalid_token', 'Too long.');
      const cached = cache.get(token);
      if (cached !== undefined) {
        if (cached.session.expiresAt > seconds()) return cached;
        cache.delete(token);
        throw refusal('invalid_token', 'The token has expired.');
      }
      const verified = await verifySignature(token);
      if (cache.size >= CACHE_SIZE) cache.clear();
      cache.set(token, verified);
      return verified;
    },
  };
}
