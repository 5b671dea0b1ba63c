/**
 * P-256 with chosen randomness, which node:crypto does not offer: ECDSA with the nonce of RFC 6979, and
 * the sealing half of HPKE (RFC 9180, base mode). For vectors only: not constant in time.
 */
import { createCipheriv, createECDH, createHmac } from 'node:crypto';
import { bigEndian, sha256, toBytes } from './encodings.mjs';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();

/** The public point of a scalar, 65 bytes SEC1. */
export function publicPoint(scalar) {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  return ecdh.getPublicKey();
}

function power(base, exponent) {
  let result = 1n;
  let square = base % ORDER;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % ORDER;
    square = (square * square) % ORDER;
  }
  return result;
}

/** ECDSA with SHA-256 and the deterministic nonce of RFC 6979 section 3.2: 64 bytes r and s. */
export function signDeterministic(scalar, message) {
  const digest = sha256(message);
  const hashed = toBytes(bigEndian(digest) % ORDER, 32);
  let key = Buffer.alloc(32, 0);
  let value = Buffer.alloc(32, 1);
  for (const separator of [0, 1]) {
    key = hmac(key, value, Buffer.of(separator), scalar, hashed);
    value = hmac(key, value);
  }
  for (;;) {
    value = hmac(key, value);
    const nonce = bigEndian(value);
    if (nonce > 0n && nonce < ORDER) {
      const r = bigEndian(publicPoint(value).subarray(1, 33)) % ORDER;
      const s = (power(nonce, ORDER - 2n) * (bigEndian(digest) + r * bigEndian(scalar))) % ORDER;
      if (r !== 0n && s !== 0n) return Buffer.concat([toBytes(r, 32), toBytes(s, 32)]);
    }
    key = hmac(key, value, Buffer.of(0));
    value = hmac(key, value);
  }
}

const KEM_SUITE = Buffer.from('4b454d0010', 'hex');
const HPKE_SUITE = Buffer.from('48504b45001000010002', 'hex');
const EMPTY = Buffer.alloc(0);

/** HKDF-Extract (RFC 5869): what hkdfSync does not give alone. */
const extract = (salt, ikm) => hmac(salt.length === 0 ? Buffer.alloc(32) : salt, ikm);

const labeledExtract = (suite, salt, label, ikm) =>
  extract(salt, Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), ikm]));

function labeledExpand(suite, prk, label, info, length) {
  const size = Buffer.of(length >> 8, length & 0xff);
  const full = Buffer.concat([size, Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]);
  // One block is enough for every length here (RFC 5869 section 2.3).
  return hmac(prk, full, Buffer.of(1)).subarray(0, length);
}

/** DeriveKeyPair of DHKEM(P-256, HKDF-SHA256), RFC 9180 section 7.1.3: the scalar. */
export function deriveHpkeScalar(ikm) {
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'dkp_prk', ikm);
  for (let counter = 0; counter < 256; counter++) {
    const bytes = labeledExpand(KEM_SUITE, prk, 'candidate', Buffer.of(counter), 32);
    const scalar = bigEndian(bytes);
    if (scalar > 0n && scalar < ORDER) return bytes;
  }
  throw new Error('No scalar found.');
}

/** SealBase of DHKEM(P-256), HKDF-SHA256, AES-256-GCM with a chosen ephemeral scalar; empty AAD. */
export function sealHpke({ ephemeralScalar, recipientKey, info, plaintext }) {
  const ephemeral = createECDH('prime256v1');
  ephemeral.setPrivateKey(ephemeralScalar);
  const enc = ephemeral.getPublicKey();
  const shared = labeledExpand(
    KEM_SUITE,
    labeledExtract(KEM_SUITE, EMPTY, 'eae_prk', ephemeral.computeSecret(recipientKey)),
    'shared_secret',
    Buffer.concat([enc, recipientKey]),
    32,
  );
  const context = Buffer.concat([
    Buffer.of(0),
    labeledExtract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY),
    labeledExtract(HPKE_SUITE, EMPTY, 'info_hash', info),
  ]);
  const secret = labeledExtract(HPKE_SUITE, shared, 'secret', EMPTY);
  const key = labeledExpand(HPKE_SUITE, secret, 'key', context, 32);
  const nonce = labeledExpand(HPKE_SUITE, secret, 'base_nonce', context, 12);
  return { enc, ct: encryptGcm(key, nonce, EMPTY, plaintext) };
}

/** AES-256-GCM: ciphertext and tag. */
export function encryptGcm(key, iv, aad, plaintext) {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** HMAC-SHA256. */
export const hmacSha256 = (key, message) => hmac(key, message);
