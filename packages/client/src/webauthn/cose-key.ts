import { decodeCBOR, decodePartialCBOR } from '@levischuck/tiny-cbor';
import { type Bytes, PzkError } from '@pzk-auth/protocol';

/** Offset of the attested credential data's credential id length (WebAuthn L3 section 6.5.1). */
const ID_LENGTH_OFFSET = 32 + 1 + 4 + 16;

/**
 * Cuts the COSE key out of an attestation object: the exact bytes that the authenticator wrote, so
 * that client and server hash the same.
 *
 * @throws PzkError `passkey_unavailable` if the authenticator's answer cannot be read.
 */
export function extractCoseKey(attestationObject: ArrayBuffer): Bytes {
  try {
    const decoded = decodeCBOR(new Uint8Array(attestationObject));
    const authData = decoded instanceof Map ? decoded.get('authData') : undefined;
    if (!(authData instanceof Uint8Array)) throw new TypeError('no authData');
    const view = new DataView(authData.buffer, authData.byteOffset, authData.byteLength);
    const start = ID_LENGTH_OFFSET + 2 + view.getUint16(ID_LENGTH_OFFSET);
    const [, length] = decodePartialCBOR(authData, start);
    return authData.slice(start, start + length);
  } catch (cause) {
    throw new PzkError('passkey_unavailable', 'The answer of the authenticator is malformed.', {
      cause,
    });
  }
}
