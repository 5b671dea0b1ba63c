import { type Bytes, concatBytes, SEC1_POINT_BYTES } from '@pzk-auth/protocol';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ES256 = { name: 'ECDSA', hash: 'SHA-256' } as const;

/**
 * PKCS #8 of a P-256 key around its scalar and public point (RFC 5208, RFC 5915). A fixed frame: the
 * scalar is cut out and put back as bytes, since the text members of a JWK cannot be overwritten.
 */
const PKCS8_HEAD = Uint8Array.of(
  ...[0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d],
  ...[0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30],
  ...[0x6b, 0x02, 0x01, 0x01, 0x04, 0x20],
);
const PKCS8_MIDDLE = Uint8Array.of(0xa1, 0x44, 0x03, 0x42, 0x00);
const SCALAR_BYTES = 32;
const PKCS8_BYTES = PKCS8_HEAD.length + SCALAR_BYTES + PKCS8_MIDDLE.length + SEC1_POINT_BYTES;

/** A new identity key of a vault. Overwrite `scalar` after it was sealed. */
export interface NewIdentityKey {
  /** 65 bytes SEC1. */
  readonly publicKey: Bytes;
  /** 32 bytes big-endian. Secret. */
  readonly scalar: Bytes;
  /** ECDSA with SHA-256, 64 bytes r and s. */
  sign(message: Bytes): Promise<Bytes>;
}

/** Makes an identity key. Its scalar is exported once, only to be sealed. */
export async function generateIdentityKey(): Promise<NewIdentityKey> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  try {
    if (pkcs8.length !== PKCS8_BYTES || !PKCS8_HEAD.every((byte, index) => pkcs8[index] === byte)) {
      throw new TypeError('This engine writes PKCS #8 in another form.');
    }
    const scalar = pkcs8.slice(PKCS8_HEAD.length, PKCS8_HEAD.length + SCALAR_BYTES);
    return {
      publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)),
      scalar,
      sign: async (message) =>
        new Uint8Array(await crypto.subtle.sign(ES256, keys.privateKey, message)),
    };
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * Imports a public key that verifies ECDSA with SHA-256.
 *
 * @param publicKey - 65 bytes SEC1.
 * @throws DOMException where the bytes are no point on the curve.
 */
export function importVerificationKey(publicKey: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', publicKey, P256, false, ['verify']);
}

/** Whether the identity key signed the message. False also where the key is no point at all. */
export async function verifyIdentitySignature(
  publicKey: Bytes,
  signature: Bytes,
  message: Bytes,
): Promise<boolean> {
  try {
    const key = await importVerificationKey(publicKey);
    return await crypto.subtle.verify(ES256, key, signature, message);
  } catch {
    return false;
  }
}

/**
 * Signs with a P-256 key: ECDSA with SHA-256, 64 bytes r and s.
 *
 * @param scalar - 32 bytes big-endian.
 * @param publicKey - 65 bytes SEC1.
 */
export async function signWithScalar(
  scalar: Bytes,
  publicKey: Bytes,
  message: Bytes,
): Promise<Bytes> {
  const pkcs8 = concatBytes(PKCS8_HEAD, scalar, PKCS8_MIDDLE, publicKey);
  try {
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign(ES256, key, message));
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * Whether the scalar is the private part of the public key. Engines differ in what they check at
 * import, hence a trial signature decides.
 */
export async function isIdentityScalar(scalar: Bytes, publicKey: Bytes): Promise<boolean> {
  const probe = crypto.getRandomValues(new Uint8Array(32));
  try {
    const signature = await signWithScalar(scalar, publicKey, probe);
    return await verifyIdentitySignature(publicKey, signature, probe);
  } catch {
    return false;
  }
}
