import { randomUUID } from 'node:crypto';
import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose';

/** What a DPoP proof says; every member can be overridden or taken out by a test. */
export interface DpopFields {
  readonly method?: string;
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly now?: number;
  readonly accessToken?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A client's DPoP key pair with a way to make proofs, honest and not. */
export interface TestSessionKey {
  readonly jkt: string;
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
  dpop(fields: DpopFields): Promise<string>;
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** Creates a session key. */
export async function createSessionKey(alg: 'ES256' | 'EdDSA' = 'ES256'): Promise<TestSessionKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const jwk = withoutUndefined({ kty, crv, x, y }) as JWK;
  return {
    jwk,
    privateKey,
    jkt: await calculateJwkThumbprint(jwk),
    async dpop({ method = 'POST', url, now = Date.now(), accessToken, header, claims }) {
      const payload = withoutUndefined({
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(now / 1000),
        ath: accessToken === undefined ? undefined : encodeBase64url(sha256(utf8(accessToken))),
        ...claims,
      });
      const protectedHeader = withoutUndefined({ typ: 'dpop+jwt', alg, jwk, ...header });
      return new SignJWT(payload)
        .setProtectedHeader(protectedHeader as { alg: string })
        .sign(privateKey);
    },
  };
}
