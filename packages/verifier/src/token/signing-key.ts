import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signCallback,
  verify,
} from 'node:crypto';
import { encodeBase64url, labels, lp, PzkError, sha256, utf8 } from '@pzk-auth/protocol';

/** Algorithms of access tokens. */
export type SigningAlgorithm = 'ES256' | 'EdDSA';

/** A public P-256 or Ed25519 key as a JWK (RFC 7517). Other members are not read. */
export interface PublicSigningJwk {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
}

/** A private P-256 or Ed25519 key as a JWK. */
export interface PrivateSigningJwk extends PublicSigningJwk {
  readonly d?: string | undefined;
  /** Name of the key in tokens and JWK set. Default: the RFC 7638 thumbprint. */
  readonly kid?: string | undefined;
}

/** A key that never leaves where it lives: a KMS, an HSM, another process. */
export interface ExternalSigner {
  readonly alg: SigningAlgorithm;
  readonly publicJwk: PublicSigningJwk;
  /** Name of the key in tokens and JWK set. Default: the RFC 7638 thumbprint. */
  readonly kid?: string | undefined;
  /**
   * Signs: for ES256 ECDSA with SHA-256 over the bytes, as 64 bytes r, s (many services answer in DER);
   * for EdDSA Ed25519, 64 bytes. Has two seconds; a failure, or a signature of another key, means
   * 503 and no token.
   */
  sign(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** A private key as PEM (PKCS#8 or SEC1) or JWK, or a signer that keeps it. */
export type SigningKeyInput = string | PrivateSigningJwk | ExternalSigner;

/** A key of tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicKey: KeyObject;
  /** For the JWK set: public members, `kid`, `alg`, `use`. */
  readonly publicJwk: Readonly<Record<string, string>>;
  /** Absent where this process can only verify with it. */
  readonly sign: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;
}

/** Names that need no care in headers, logs and store keys. */
const KID = /^[A-Za-z0-9._~-]{1,128}$/;

/** Whether a text can be the name of a key. */
export function isKid(text: unknown): text is string {
  return typeof text === 'string' && KID.test(text);
}

/** The members that name a public key, in the order of RFC 7638 section 3.2. */
function requiredMembers(jwk: PublicSigningJwk) {
  const { kty, crv, x, y } = jwk;
  if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
    return { alg: 'ES256', members: { crv, kty, x, y } } as const;
  }
  if (kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string') {
    return { alg: 'EdDSA', members: { crv, kty, x } } as const;
  }
  throw new TypeError('A signing key is a P-256 key (ES256) or an Ed25519 key (EdDSA).');
}

/**
 * A key of which the public part is known.
 *
 * @throws TypeError if it is no P-256 or Ed25519 key, or its name is odd.
 */
export function createSigningKey(
  jwk: PublicSigningJwk,
  options: { readonly kid?: string | undefined; readonly sign?: SigningKey['sign'] } = {},
): SigningKey {
  const { alg, members } = requiredMembers(jwk);
  const publicKey = createPublicKey({ key: members, format: 'jwk' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  // Another spelling of the same key would have another thumbprint.
  if (x !== jwk.x || (alg === 'ES256' && y !== jwk.y)) {
    throw new TypeError('The JWK of a signing key is not canonical.');
  }
  const kid = options.kid ?? encodeBase64url(sha256(utf8(JSON.stringify(members))));
  if (!isKid(kid)) throw new TypeError('A kid has 1 to 128 letters, digits, and . _ ~ - at most.');
  const publicJwk = { ...members, kid, alg, use: 'sig' };
  return Object.freeze({ kid, alg, publicKey, publicJwk, sign: options.sign });
}

function signWith(privateKey: KeyObject): NonNullable<SigningKey['sign']> {
  const digest = privateKey.asymmetricKeyType === 'ec' ? 'sha256' : null;
  return (bytes) =>
    new Promise((resolve, reject) => {
      // RFC 7518 section 3.4: r and s, not DER. Ed25519 has one form only.
      signCallback(
        digest,
        bytes,
        { key: privateKey, dsaEncoding: 'ieee-p1363' },
        (error, result) => (error === null ? resolve(result) : reject(error)),
      );
    });
}

/** A key whose private part this process holds, with the JWK that is kept of it. */
export interface PrivateSigningKey extends SigningKey {
  readonly privateJwk: PrivateSigningJwk;
}

function fromPrivateKey(privateKey: KeyObject, kid: string | undefined): PrivateSigningKey {
  const privateJwk = privateKey.export({ format: 'jwk' }) as PrivateSigningJwk;
  // Its own public part, not one that was sent along: a signature shows which of them belongs to it.
  const key = createSigningKey(privateJwk, { kid, sign: signWith(privateKey) });
  return Object.freeze({ ...key, privateJwk });
}

/** Imports a private JWK. */
export function importPrivateJwk(jwk: PrivateSigningJwk): PrivateSigningKey {
  const { members } = requiredMembers(jwk);
  const { d, kid } = jwk;
  if (typeof d !== 'string' || d === '') throw new TypeError('It has no private part.');
  return fromPrivateKey(createPrivateKey({ key: { ...members, d }, format: 'jwk' }), kid);
}

/** Makes a key. */
export function generateSigningKey(alg: SigningAlgorithm): PrivateSigningKey {
  // Encoded as it is made: Node 20 can lock a generated KeyObject for ever when it is exported later.
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding, publicKeyEncoding })
      : generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
  return fromPrivateKey(createPrivateKey(privateKey), undefined);
}

const SIGNER_TIMEOUT = 2000;

function withinTime(signer: ExternalSigner): NonNullable<SigningKey['sign']> {
  return (bytes) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error('The signer took too long.')),
        SIGNER_TIMEOUT,
      );
      (async () => signer.sign(bytes))()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
}

/**
 * Reads a key of the configuration.
 *
 * @throws TypeError if it is no key that tokens can be signed with.
 */
export function importSigningKey(input: SigningKeyInput): SigningKey {
  try {
    if (typeof input === 'string') return fromPrivateKey(createPrivateKey(input), undefined);
    if (!('sign' in input)) return importPrivateJwk(input);
    const key = createSigningKey(input.publicJwk, { kid: input.kid, sign: withinTime(input) });
    if (key.alg !== input.alg) throw new TypeError('alg and publicJwk of a signer disagree.');
    return key;
  } catch (cause) {
    // Node's own message may quote what it was given.
    const why = cause instanceof TypeError && !('code' in cause) ? ` ${cause.message}` : '';
    throw new TypeError(`signing.keys holds something that is no key to sign with.${why}`);
  }
}

function isSignedBy(key: SigningKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const digest = key.alg === 'ES256' ? 'sha256' : null;
  const publicKey = { key: key.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify(digest, bytes, publicKey, signature);
}

/**
 * Signs with a key, and verifies what came back: a service that rotates a key under the name that it had
 * would make tokens that everybody refuses.
 *
 * @throws PzkError `store_unavailable` if the signer fails, or answers with no signature of this key.
 */
export async function signBytes(key: SigningKey, bytes: Uint8Array): Promise<Uint8Array> {
  let signature: unknown;
  try {
    signature = await key.sign?.(bytes);
  } catch (cause) {
    throw new PzkError('store_unavailable', 'The signer failed.', { cause });
  }
  if (!(signature instanceof Uint8Array) || signature.length !== 64) {
    throw new PzkError('store_unavailable', 'The signer answered with no signature of 64 bytes.');
  }
  if (!isSignedBy(key, bytes, signature)) {
    throw new PzkError('store_unavailable', 'The signer does not sign with the public key given.');
  }
  return signature;
}

/**
 * Has a key sign a message. The message holds zero bytes, so it can never be taken for part of a token.
 *
 * @throws PzkError `not_ready`
 */
export async function assertSigns(key: SigningKey): Promise<void> {
  const message = lp(labels.signingCheck, new Uint8Array(randomBytes(32)));
  const hint = 'Check that signer and public key belong together; ES256 takes r and s, not DER.';
  await signBytes(key, message).catch((cause: unknown) => {
    throw new PzkError('not_ready', 'A signing key does not sign.', { cause, hint });
  });
}
