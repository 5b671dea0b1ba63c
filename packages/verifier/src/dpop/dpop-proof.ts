import { createHash, verify } from 'node:crypto';
import { limits, parseJson } from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import { refusal } from '../refuse.js';
import type { DpopNonces } from './dpop-nonces.js';
import { canonicalizeHtu } from './htu.js';
import { importSessionKey, type SessionKey } from './session-key.js';

/** What a DPoP proof has to match. */
export interface DpopExpectation {
  readonly method: string;
  /** Public URL of the endpoint or resource, from configuration. */
  readonly url: string;
  /** The access token that the proof goes with; absent at `/token`. */
  readonly accessToken?: string;
  /** The clock, milliseconds since the epoch. */
  readonly now: number;
  /** Demands a nonce of this server; absent demands none. */
  readonly nonces?: DpopNonces | undefined;
}

/** A verified DPoP proof. Not yet checked: that its `jti` is new, and whose key it is. */
export interface DpopProof {
  readonly jkt: string;
  readonly jti: string;
}

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

type JsonObject = Readonly<Record<string, unknown>>;

// Base64url and SHA-256 come from node here, not from the isomorphic code of the protocol: every
// protected call waits for them.

/** Node's decoder passes over what it does not know, so the way back shows whether that was so. */
function decodeSegment(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  if (bytes.toString('base64url') !== segment) throw new TypeError('not canonical base64url');
  return bytes;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function parseObject(segment: string): JsonObject {
  const value = parseJson(decodeSegment(segment));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('not an object');
  }
  return value as JsonObject;
}

/**
 * Session keys by the text of the header that showed them, where a signature has proved it: a client's
 * header is the same in all of its proofs, and reading it costs as much as the rest of one.
 */
const checkedHeaders = new Map<string, SessionKey>();
const CACHE_SIZE = 4000;

/** RFC 9449 section 4.3 item 2: one well-formed JWT in compact form. */
function parseCompact(text: string) {
  try {
    if (text.length > limits.dpopProofBytes || !COMPACT.test(text)) throw new TypeError('form');
    const [header = '', payload = '', end = ''] = text.split('.');
    const signature = decodeSegment(end);
    if (signature.length !== 64) throw new TypeError('length of the signature');
    return {
      header,
      // One that is known was parsed and checked before.
      parameters: checkedHeaders.has(header) ? undefined : parseObject(header),
      claims: parseObject(payload),
      signed: Buffer.from(`${header}.${payload}`, 'latin1'),
      signature,
    };
  } catch (cause) {
    throw refusal('invalid_dpop_proof', 'The proof is not a JWT.', cause);
  }
}

/** Items 4, 5 and 7: type, algorithm from an allow-list that fits the key, public key only. */
function checkHeader(header: JsonObject): SessionKey {
  if (header.typ !== 'dpop+jwt') throw refusal('invalid_dpop_proof', 'typ is not dpop+jwt.');
  // RFC 7515 section 4.1.11: an extension that is not understood must be refused; none is.
  if (
    Object.hasOwn(header, 'crit') ||
    Object.hasOwn(header, 'b64') ||
    Object.hasOwn(header, 'zip')
  ) {
    throw refusal('invalid_dpop_proof', 'The header asks for an extension.');
  }
  const sessionKey = importSessionKey(header.jwk);
  const alg = header.alg === 'Ed25519' ? 'EdDSA' : header.alg;
  if (alg !== sessionKey.alg) throw refusal('invalid_dpop_proof', 'alg does not fit the key.');
  return sessionKey;
}

function isSigned(
  sessionKey: SessionKey,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { key, alg } = sessionKey;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, valid: boolean) => (error ? reject(error) : resolve(valid));
    if (alg === 'EdDSA') verify(null, data, key, signature, done);
    else verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature, done);
  });
}

/** Items 3, 8, 9, 11 and 12. */
function checkClaims(claims: JsonObject, expected: DpopExpectation): string {
  const { jti, htm, htu, iat, ath } = claims;
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > 256) {
    throw refusal('invalid_dpop_proof', 'jti is missing or odd.');
  }
  if (htm !== expected.method) throw refusal('invalid_dpop_proof', 'htm does not match.');
  const target = typeof htu === 'string' ? canonicalizeHtu(htu) : undefined;
  if (target === undefined || target !== canonicalizeHtu(expected.url)) {
    throw refusal('invalid_dpop_proof', 'htu does not match.');
  }
  const seconds = expected.now / 1000;
  if (
    typeof iat !== 'number' ||
    !Number.isFinite(iat) ||
    iat < seconds - durations.dpopPastSeconds ||
    iat > seconds + durations.dpopFutureSeconds
  ) {
    throw refusal('invalid_dpop_proof', 'iat is outside the window.');
  }
  if (expected.accessToken !== undefined) {
    if (ath !== hash(expected.accessToken)) {
      throw refusal('invalid_dpop_proof', 'ath is not the hash of this token.');
    }
  }
  return jti;
}

/**
 * Verifies a DPoP proof (RFC 9449 section 4.3). The signature, which costs more than all the rest of a
 * protected call, is checked by `node:crypto` on its thread pool, so that the event loop stays free.
 *
 * @param header - Value of the `DPoP` header. Two headers arrive joined by a comma and are refused.
 * @throws PzkError `invalid_dpop_proof`, `use_dpop_nonce`
 */
export async function verifyDpopProof(
  header: string | null,
  expected: DpopExpectation,
): Promise<DpopProof> {
  if (header === null) throw refusal('invalid_dpop_proof', 'There is no DPoP header.');
  const { header: text, parameters, claims, signed, signature } = parseCompact(header);
  const sessionKey = checkedHeaders.get(text) ?? checkHeader(parameters ?? {});
  const jti = checkClaims(claims, expected);
  if ((await isSigned(sessionKey, signed, signature)) !== true) {
    throw refusal('invalid_dpop_proof', 'The signature is wrong.');
  }
  // RFC 9449 section 4.3 item 10, last: whoever is asked to repeat has made no other mistake.
  if (
    expected.nonces !== undefined &&
    expected.nonces.judge(claims.nonce, expected.now) === 'refused'
  ) {
    throw refusal('use_dpop_nonce', 'The proof has no nonce of this server, or an old one.');
  }
  if (parameters !== undefined) {
    if (checkedHeaders.size >= CACHE_SIZE) checkedHeaders.clear();
    checkedHeaders.set(text, sessionKey);
  }
  return { jkt: sessionKey.jkt, jti };
}

/** The replay record of a proof. By (jkt, jti): the text of a proof has many spellings. */
export function dpopReplayId(proof: DpopProof): string {
  return hash(`${proof.jkt} ${proof.jti}`);
}
