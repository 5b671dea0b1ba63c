import { type CBORType, encodeCBOR } from '@levischuck/tiny-cbor';
import { type Bytes, concatBytes } from '@pzk-auth/protocol';

/** Flag bits of authenticator data (WebAuthn L3 section 6.1). */
export const authenticatorFlags = {
  userPresent: 0x01,
  userVerified: 0x04,
  backupEligible: 0x08,
  backupState: 0x10,
  attestedCredentialData: 0x40,
  extensionData: 0x80,
} as const;

/** Parts of authenticator data. */
export interface AuthenticatorDataFields {
  readonly rpIdHash: Uint8Array;
  readonly flags: number;
  readonly signCount: number;
  /** Attested credential data; at registration only. */
  readonly attested?: { readonly credentialId: Uint8Array; readonly coseKey: Uint8Array };
  /** CBOR of the extension outputs. */
  readonly extensions?: Uint8Array | undefined;
}

function uint(value: number, length: 2 | 4): Bytes {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  if (length === 2) view.setUint16(0, value);
  else view.setUint32(0, value);
  return bytes;
}

/** Writes authenticator data (WebAuthn L3 section 6.1); the AAGUID is all zero. */
export function encodeAuthenticatorData(fields: AuthenticatorDataFields): Bytes {
  const { rpIdHash, flags, signCount, attested, extensions } = fields;
  const attestedData =
    attested === undefined
      ? new Uint8Array()
      : concatBytes(
          new Uint8Array(16),
          uint(attested.credentialId.length, 2),
          attested.credentialId,
          attested.coseKey,
        );
  return concatBytes(
    rpIdHash,
    Uint8Array.of(flags),
    uint(signCount, 4),
    attestedData,
    extensions ?? new Uint8Array(),
  );
}

/** COSE_Key of a P-256 point (RFC 9053 section 7.1.1), in CTAP2's canonical order. */
export function encodeCoseKey(sec1: Uint8Array): Bytes {
  return new Uint8Array(
    encodeCBOR(
      new Map<number, CBORType>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, sec1.subarray(1, 33)],
        [-3, sec1.subarray(33, 65)],
      ]),
    ),
  );
}

/** Extension outputs inside authenticator data: CTAP2's `hmac-secret`, on which PRF stands. */
export function encodeHmacSecretOutput(): Bytes {
  return new Uint8Array(encodeCBOR(new Map([['hmac-secret', true]])));
}

/** An attestation object of format `none` (WebAuthn L3 section 8.7). */
export function encodeAttestationObject(authenticatorData: Uint8Array): Bytes {
  return new Uint8Array(
    encodeCBOR(
      new Map<string, CBORType>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authenticatorData],
      ]),
    ),
  );
}
