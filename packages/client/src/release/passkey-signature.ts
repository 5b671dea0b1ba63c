import { type CBORType, decodeCBOR } from '@levischuck/tiny-cbor';
import { type Bytes, concatBytes, encodeBase64url, sha256 } from '@pzk-auth/protocol';

/** Lengths as verifiers take them: RFC 9053 section 7.1.1 and RFC 8230 section 4. */
const COORDINATE_BYTES = 32;
const RSA_MODULUS_BYTES = 512;
const RSA_EXPONENT_BYTES = 4;

type CoseMember = CBORType | undefined;

interface PublicKeyParameters {
  readonly jwk: JsonWebKey;
  readonly imported: RsaHashedImportParams | EcKeyImportParams | Algorithm;
  readonly verified: EcdsaParams | Algorithm;
}

function coordinate(member: CoseMember): string {
  if (!(member instanceof Uint8Array) || member.length !== COORDINATE_BYTES) {
    throw new TypeError('A coordinate of the COSE key is not as it must be.');
  }
  return encodeBase64url(member);
}

function integer(member: CoseMember, maximum: number): string {
  if (!(member instanceof Uint8Array) || member.length < 1 || member.length > maximum) {
    throw new TypeError('A number of the COSE key is not as it must be.');
  }
  return encodeBase64url(member);
}

/** A COSE key of one of the algorithms that a passkey is made with (RFC 9053, RFC 8230). */
function readCoseKey(coseKey: Bytes): PublicKeyParameters {
  const key = decodeCBOR(coseKey);
  if (!(key instanceof Map)) throw new TypeError('The COSE key is no map.');
  const member = (label: number): CoseMember => key.get(label);
  const kind = [member(1), member(3)].join(' ');
  if (kind === '2 -7' && member(-1) === 1) {
    const imported = { name: 'ECDSA', namedCurve: 'P-256' };
    return {
      jwk: { kty: 'EC', crv: 'P-256', x: coordinate(member(-2)), y: coordinate(member(-3)) },
      imported,
      verified: { name: 'ECDSA', hash: 'SHA-256' },
    };
  }
  if (kind === '1 -8' && member(-1) === 6) {
    const algorithm = { name: 'Ed25519' };
    return {
      jwk: { kty: 'OKP', crv: 'Ed25519', x: coordinate(member(-2)) },
      imported: algorithm,
      verified: algorithm,
    };
  }
  if (kind === '3 -257') {
    const n = integer(member(-1), RSA_MODULUS_BYTES);
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return {
      jwk: { kty: 'RSA', n, e: integer(member(-2), RSA_EXPONENT_BYTES) },
      imported: algorithm,
      verified: algorithm,
    };
  }
  throw new TypeError('The COSE key is of another algorithm.');
}

/** One INTEGER of DER from `start` on: its 32 bytes, and where the next thing begins. */
function readDerInteger(der: Uint8Array, start: number): { value: Uint8Array; end: number } {
  const length = der[start + 1] ?? 0;
  const end = start + 2 + length;
  const bytes = der.subarray(start + 2, end);
  const [first = 0, second = 0] = bytes;
  const isMinimal = length === 1 || first !== 0 || second >= 0x80;
  if (der[start] !== 0x02 || length < 1 || bytes.length !== length || first >= 0x80 || !isMinimal) {
    throw new TypeError('The signature is no DER.');
  }
  const digits = first === 0 ? bytes.subarray(1) : bytes;
  if (digits.length > COORDINATE_BYTES) throw new TypeError('The signature is too long.');
  const value = new Uint8Array(COORDINATE_BYTES);
  value.set(digits, COORDINATE_BYTES - digits.length);
  return { value, end };
}

/** The ASN.1 form in which authenticators sign (WebAuthn L3 section 6.5.5) as the 64 bytes of WebCrypto. */
function readDerSignature(der: Uint8Array): Bytes {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new TypeError('The signature is no DER.');
  const r = readDerInteger(der, 2);
  const s = readDerInteger(der, r.end);
  if (s.end !== der.length) throw new TypeError('The signature is no DER.');
  return concatBytes(r.value, s.value);
}

/** What an authenticator signed, and what with. */
export interface PasskeySignature {
  readonly coseKey: Bytes;
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  /** As WebAuthn gives it. */
  readonly signature: Bytes;
}

/**
 * Whether the passkey signed (WebAuthn L3 section 7.2 step 24). Not yet verified: what it signed. False
 * also where the key is none of ES256, EdDSA (Ed25519) and RS256.
 */
export async function verifyPasskeySignature(fields: PasskeySignature): Promise<boolean> {
  const { coseKey, authenticatorData, clientDataJSON, signature } = fields;
  try {
    const { jwk, imported, verified } = readCoseKey(coseKey);
    const key = await crypto.subtle.importKey('jwk', jwk, imported, false, ['verify']);
    const message = concatBytes(authenticatorData, sha256(clientDataJSON));
    const raw = jwk.kty === 'EC' ? readDerSignature(signature) : signature;
    return await crypto.subtle.verify(verified, key, raw, message);
  } catch {
    return false;
  }
}
