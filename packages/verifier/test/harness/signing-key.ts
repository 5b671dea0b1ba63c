import { hkdfSync } from 'node:crypto';
import { labels, lp } from '@pzk-auth/protocol';
import { type CryptoKey, compactDecrypt, importJWK, type JWK } from 'jose';
import { compactJws, signWith } from './compact-jws.js';
import type { WatchedIssuer } from './watched-issuer.js';

/** What whoever holds the deployment's secret and its database can do: sign as the issuer. */
export interface IssuerSigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  /** Signs any header and claims; text is taken as it is. Members that are undefined are left out. */
  sign(header: Record<string, unknown> | string, claims: Record<string, unknown> | string): string;
}

/** Opens the stored signing key of an issuer with its secret. */
export async function openSigningKey(issuer: WatchedIssuer): Promise<IssuerSigningKey> {
  await issuer.verifier.ready();
  const [row] = await issuer.stores.signingKeys.list();
  if (row === undefined) throw new Error('The issuer has no signing key.');
  const info = lp(labels.keyWrap, issuer.verifier.issuer);
  const wrapKey = new Uint8Array(hkdfSync('sha256', issuer.secret, new Uint8Array(), info, 32));
  const { plaintext } = await compactDecrypt(row.wrapped, wrapKey);
  const jwk = JSON.parse(new TextDecoder().decode(plaintext)) as JWK;
  const signer = signWith((await importJWK({ ...jwk, ext: true }, 'ES256')) as CryptoKey);
  const { kty, crv, x, y } = jwk as Required<JWK>;
  return {
    kid: row.kid,
    publicJwk: { kty, crv, x, y },
    sign: (header, claims) => compactJws(header, claims, signer),
  };
}
