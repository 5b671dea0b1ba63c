import { createPublicKey, type KeyObject } from 'node:crypto';
import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';

/** A session key as a DPoP proof shows it. */
export interface SessionKey {
  readonly key: KeyObject;
  readonly alg: 'ES256' | 'EdDSA';
  /** RFC 7638 thumbprint, base64url. */
  readonly jkt: string;
}

const CACHE_SIZE = 10_000;
const cache = new Map<string, SessionKey>();

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** The members of a public key that enter its thumbprint, in the order of RFC 7638 section 3.2. */
function requiredMembers(jwk: Readonly<Record<string, unknown>>) {
  const { kty, crv, x, y } = jwk;
  if (kty === 'EC' && crv === 'P-256' && isString(x) && isString(y)) {
    return { alg: 'ES256', members: { crv, kty, x, y } } as const;
  }
  if (kty === 'OKP' && crv === 'Ed25519' && isString(x) && y === undefined) {
    return { alg: 'EdDSA', members: { crv, kty, x } } as const;
  }
  return undefined;
}

/**
 * The y coordinates of the Ed25519 points of small order, with their non-canonical encodings, sign bit
 * cleared. For such a point anyone can sign anything, so a token bound to it would be bound to nobody.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isSmallOrder(x: string): boolean {
  const bytes = Buffer.from(x, 'base64url');
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(bytes.toString('hex'));
}

const PRIVATE_OR_FOREIGN = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Imports the `jwk` of a DPoP header: a public P-256 or Ed25519 key, nothing else. Its coordinates
 * must be canonical: the key is exported again and has to give the same text, since another spelling
 * of the same point would have another thumbprint.
 *
 * @throws PzkError `invalid_dpop_proof`
 */
export function importSessionKey(jwk: unknown): SessionKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) {
    throw refusal('invalid_dpop_proof', 'The proof holds no jwk.');
  }
  const record = jwk as Readonly<Record<string, unknown>>;
  if (PRIVATE_OR_FOREIGN.some((member) => Object.hasOwn(record, member))) {
    throw refusal('invalid_dpop_proof', 'The jwk is private or symmetric.');
  }
  const required = requiredMembers(record);
  if (required === undefined) throw refusal('invalid_dpop_proof', 'The jwk is of another type.');
  const text = JSON.stringify(required.members);
  const cached = cache.get(text);
  if (cached !== undefined) return cached;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: required.members, format: 'jwk' });
  } catch (cause) {
    throw refusal('invalid_dpop_proof', 'The jwk is no point on its curve.', cause);
  }
  const exported = key.export({ format: 'jwk' });
  if (exported.x !== record.x || exported.y !== record.y) {
    throw refusal('invalid_dpop_proof', 'The jwk is not canonical.');
  }
  if (required.alg === 'EdDSA' && isSmallOrder(required.members.x)) {
    throw refusal('invalid_dpop_proof', 'The jwk is a point of small order.');
  }
  const sessionKey = { key, alg: required.alg, jkt: encodeBase64url(sha256(utf8(text))) };
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(text, sessionKey);
  return sessionKey;
}
