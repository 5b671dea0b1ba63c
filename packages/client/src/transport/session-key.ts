import { calculateJwkThumbprint, type JWK } from 'jose';

/** A session key with what is public of it. */
export interface SessionKey {
  /** ECDSA P-256; the private key is not extractable. */
  readonly keyPair: CryptoKeyPair;
  readonly publicJwk: JWK;
  /** RFC 7638 thumbprint, base64url. */
  readonly jkt: string;
}

/** Reads the public part of a key pair. */
export async function describeSessionKey(keyPair: CryptoKeyPair): Promise<SessionKey> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keyPair.publicKey);
  // Only what RFC 7638 hashes: `ext` and `key_ops` are of no use to a server.
  const publicJwk = { kty, crv, x, y } as JWK;
  return { keyPair, publicJwk, jkt: await calculateJwkThumbprint(publicJwk) };
}

/** Makes a session key that no script can read. */
export async function generateSessionKey(): Promise<SessionKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return describeSessionKey(await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']));
}
