import type { Bytes } from '../bytes.js';
import { isDisplayText } from '../display-text.js';
import { PzkError } from '../errors.js';
import { lp, splitLengthPrefixed } from '../length-prefix.js';
import { limits } from '../limits.js';

/** Plaintexts have a multiple of this length, so that the length of a blob tells little. */
export const PADDED_BYTES = 256;
/** Four parts, each after its length. */
const LENGTHS_BYTES = 4 * 4;

/** A key of another service: what a slot of kind `secret` holds. */
export interface VaultSecret {
  /** For people; 1 to 64 characters without control and bidirectional formatting characters. */
  readonly name: string;
  /** Whose key it is, likewise, or empty. */
  readonly provider: string;
  /** 1 to 8192 bytes. */
  readonly value: Uint8Array;
}

/** A {@link VaultSecret} that was read from a plaintext. */
export interface ParsedVaultSecret extends VaultSecret {
  readonly value: Bytes;
}

function isVaultSecret({ name, provider, value }: VaultSecret): boolean {
  return (
    isDisplayText(name, 1, limits.nameCharacters) &&
    isDisplayText(provider, 0, limits.nameCharacters) &&
    value.length >= 1 &&
    value.length <= limits.secretValueBytes
  );
}

const encoder = new TextEncoder();

/**
 * Writes the plaintext of a slot of kind `secret`: name, provider, value and zeros up to a multiple of
 * 256 bytes. The bytes hold the secret: overwrite them after use.
 *
 * @throws TypeError if it is not one that {@link parseVaultSecret} would take.
 */
export function formatVaultSecret(secret: VaultSecret): Bytes {
  if (!isVaultSecret(secret)) throw new TypeError('The secret is malformed.');
  const { name, provider, value } = secret;
  const used =
    LENGTHS_BYTES + encoder.encode(name).length + encoder.encode(provider).length + value.length;
  const padding = (PADDED_BYTES - (used % PADDED_BYTES)) % PADDED_BYTES;
  return lp(name, provider, value, new Uint8Array(padding));
}

/**
 * Reads the plaintext of a slot of kind `secret`, in its one spelling. `value` is a view into the
 * plaintext: overwriting the one overwrites the other.
 *
 * @throws PzkError `vault_slot_damaged`
 */
export function parseVaultSecret(plaintext: Bytes): ParsedVaultSecret {
  try {
    const [name, provider, value, padding] = splitLengthPrefixed(plaintext, 4) as [
      Bytes,
      Bytes,
      Bytes,
      Bytes,
    ];
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const secret = { name: decoder.decode(name), provider: decoder.decode(provider), value };
    if (!isVaultSecret(secret)) throw new RangeError('A part is not as it must be.');
    if (
      plaintext.length % PADDED_BYTES !== 0 ||
      padding.length >= PADDED_BYTES ||
      padding.some((byte) => byte !== 0)
    ) {
      throw new RangeError('The padding is not as it must be.');
    }
    return secret;
  } catch (cause) {
    throw new PzkError('vault_slot_damaged', 'The secret in a slot is malformed.', { cause });
  }
}
