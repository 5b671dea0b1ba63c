import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type Bytes, encodeBase64url, sha256 } from '@pzk-auth/protocol';
import { SignJWT } from 'jose';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ES256 = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** What a DPoP proof is for. */
export interface DpopFields {
  readonly url: string;
  /** Seconds since the epoch, by the platform's clock. */
  readonly issuedAt: number;
  /** Nonce that the platform asked for (RFC 9449 section 8). */
  readonly nonce: string | undefined;
}

/** A broker's signing key for one vault. The private part is not extractable. */
export interface AgentKey {
  /** 65 bytes SEC1. */
  readonly publicKey: Bytes;
  /** SHA-256 of the public key. */
  readonly hash: Bytes;
  /** ECDSA with SHA-256, 64 bytes r and s. */
  sign(message: Bytes): Promise<Bytes>;
  /** A DPoP proof (RFC 9449 section 4.2) for a POST, with a fresh `jti` of 128 bits. */
  createDpopProof(fields: DpopFields): Promise<string>;
}

/** Makes a key, as PKCS #8 in PEM. */
export function generateAgentKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Reads a key.
 *
 * @throws TypeError if it is no private key on P-256.
 */
export async function importAgentKey(pem: string | Buffer): Promise<AgentKey> {
  const { privateKey, publicJwk } = await importPem(pem).catch(() => {
    // Nothing of the file goes into an error.
    throw new TypeError('The signing key is no P-256 key in PKCS #8 (PEM).');
  });
  const point = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(publicJwk.x, 'base64url'),
    Buffer.from(publicJwk.y, 'base64url'),
  ]);
  const publicKey = new Uint8Array(point);
  return {
    publicKey,
    hash: sha256(publicKey),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign(ES256, privateKey, message)),
    createDpopProof: ({ url, issuedAt, nonce }) =>
      new SignJWT({
        htm: 'POST',
        htu: url,
        iat: issuedAt,
        jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
        ...(nonce === undefined ? {} : { nonce }),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })
        .sign(privateKey),
  };
}

async function importPem(pem: string | Buffer) {
  const key = createPrivateKey(pem);
  const { kty, crv, x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('Another curve.');
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), P256, false, [
      'sign',
    ]);
    return { privateKey, publicJwk: { kty, crv, x, y } };
  } finally {
    pkcs8.fill(0);
  }
}

/** Whether a key signed a message. False also where the key is no point at all. */
export async function verifySignature(
  publicKey: Bytes,
  signature: Bytes,
  message: Bytes,
): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, P256, false, ['verify']);
    return await crypto.subtle.verify(ES256, key, signature, message);
  } catch {
    return false;
  }
}

/** Whether bytes are a point on P-256. */
export async function isPublicKey(publicKey: Bytes): Promise<boolean> {
  return crypto.subtle.importKey('raw', publicKey, P256, false, ['verify']).then(
    () => true,
    () => false,
  );
}
