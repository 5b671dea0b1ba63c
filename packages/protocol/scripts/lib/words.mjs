import { wordlist } from '@scure/bip39/wordlists/english.js';

/** The words at the first groups of 11 bits. */
export function words(bytes, count) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from(
    { length: count },
    (_, index) => wordlist[Number.parseInt(bits.substr(index * 11, 11), 2)],
  );
}
