import { createHmac, KeyObject, sign } from 'node:crypto';
import { encodeBase64url, utf8 } from '@pzk-auth/protocol';
import type { CryptoKey } from 'jose';

/** Signs the bytes of a JWS. */
export type Signer = (data: Uint8Array) => Uint8Array;

/** A signer with a private key: ES256 for EC keys, EdDSA for others. */
export function signWith(privateKey: CryptoKey): Signer {
  const key = KeyObject.from(privateKey);
  return key.asymmetricKeyType === 'ec'
    ? (data) => Uint8Array.from(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }))
    : (data) => Uint8Array.from(sign(null, data, key));
}

/** HS256 with any bytes as the key. */
export function macWith(key: Uint8Array): Signer {
  return (data) => Uint8Array.from(createHmac('sha256', key).update(data).digest());
}

/** A JWS in compact form with a header that no library would write. */
export function compactJws(header: unknown, claims: unknown, signer: Signer): string {
  const segment = (value: unknown) =>
    encodeBase64url(utf8(typeof value === 'string' ? value : JSON.stringify(value)));
  const signed = `${segment(header)}.${segment(claims)}`;
  return `${signed}.${encodeBase64url(signer(utf8(signed)))}`;
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other signature that verifies for the same text: (r, n - s). */
export function mirrorSignature(jws: string): string {
  const [header = '', claims = '', signature = ''] = jws.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const mirrored = (P256_ORDER - s).toString(16).padStart(64, '0');
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(mirrored, 'hex')]);
  return `${header}.${claims}.${other.toString('base64url')}`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Other texts whose last segment decodes, with a lenient decoder, to the same 64 bytes. */
export function respellings(jws: string): readonly string[] {
  const last = ALPHABET.indexOf(jws.at(-1) ?? '');
  // 64 bytes leave four unused bits in the last of 86 characters.
  const siblings = [...ALPHABET].filter((_, index) => index !== last && index >> 4 === last >> 4);
  return [...siblings.map((letter) => jws.slice(0, -1) + letter), `${jws}==`, `${jws}=`];
}
