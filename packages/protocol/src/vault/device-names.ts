import { isBase64url } from '../base64url.js';
import type { Bytes } from '../bytes.js';
import { isDisplayText } from '../display-text.js';
import { PzkError } from '../errors.js';
import { lp, splitLengthPrefixed, splitLengthPrefixedList } from '../length-prefix.js';
import { limits } from '../limits.js';
import { PADDED_BYTES } from './vault-secret.js';

/** Two parts, each after its length. */
const LENGTHS_BYTES = 2 * 4;

/** What the user calls the devices, by recipient id: what a slot of kind `names` holds. */
export type DeviceNames = ReadonlyMap<string, string>;

const ID_BYTES = 16;

const byId = ([one]: readonly [string, string], [other]: readonly [string, string]) =>
  one < other ? -1 : 1;

function isNamed([id, name]: readonly [string, string]): boolean {
  return isBase64url(id, ID_BYTES) && isDisplayText(name, 1, limits.nameCharacters);
}

/**
 * Writes the plaintext of a slot of kind `names`: ids in ascending order, each with its name, and zeros up
 * to a multiple of 256 bytes.
 *
 * @throws TypeError if it is not one that {@link parseDeviceNames} would take.
 */
export function formatDeviceNames(names: DeviceNames): Bytes {
  const pairs = [...names].sort(byId);
  if (pairs.length === 0 || pairs.length > limits.vaultRecipients || !pairs.every(isNamed)) {
    throw new TypeError('The names are malformed.');
  }
  const listed = lp(...pairs.flat());
  const used = LENGTHS_BYTES + listed.length;
  return lp(listed, new Uint8Array((PADDED_BYTES - (used % PADDED_BYTES)) % PADDED_BYTES));
}

/**
 * Reads the plaintext of a slot of kind `names`, in its one spelling.
 *
 * @throws PzkError `vault_slot_damaged`
 */
export function parseDeviceNames(plaintext: Bytes): DeviceNames {
  try {
    const [listed, padding] = splitLengthPrefixed(plaintext, 2) as [Bytes, Bytes];
    if (
      plaintext.length % PADDED_BYTES !== 0 ||
      padding.length >= PADDED_BYTES ||
      padding.some((byte) => byte !== 0)
    ) {
      throw new RangeError('The padding is not as it must be.');
    }
    const parts = splitLengthPrefixedList(listed, 2 * limits.vaultRecipients);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const names = new Map<string, string>();
    let last = '';
    for (let index = 0; index < parts.length; index += 2) {
      const id = decoder.decode(parts[index]);
      // An id without a name has none that may be.
      const name = decoder.decode(parts[index + 1]);
      if (id <= last || !isNamed([id, name])) throw new RangeError('A name is malformed.');
      names.set(id, name);
      last = id;
    }
    if (names.size === 0) throw new RangeError('There is no name.');
    return names;
  } catch (cause) {
    throw new PzkError('vault_slot_damaged', 'The names of the devices are malformed.', { cause });
  }
}
