import { bytesToInteger, SCALAR_FIELD_MODULUS } from '@pzk-auth/protocol';

/**
 * A uniform scalar from the CSPRNG: 254 random bits, drawn again until they are below r (about one
 * draw in four fails). Reducing modulo r instead would favour small values.
 */
export function randomScalar(): bigint {
  const bytes = new Uint8Array(32);
  for (;;) {
    crypto.getRandomValues(bytes);
    bytes[0] = (bytes[0] as number) & 0x3f;
    const value = bytesToInteger(bytes);
    if (value < SCALAR_FIELD_MODULUS) {
      bytes.fill(0);
      return value;
    }
  }
}
