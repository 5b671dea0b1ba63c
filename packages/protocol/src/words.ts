import { wordlist } from '@scure/bip39/wordlists/english.js';
import { bytesToInteger } from './bytes.js';

/** The list has 2048 words. */
const BITS = 11;

/** The words of BIP 39 (English) at the first groups of 11 bits of a hash: for people who compare. */
export function wordsOf(hash: Uint8Array, count: number): readonly string[] {
  const bits = bytesToInteger(hash) >> BigInt(hash.length * 8 - count * BITS);
  return Array.from({ length: count }, (_, index) => {
    const place = Number((bits >> BigInt((count - 1 - index) * BITS)) & 0x7ffn);
    return wordlist[place] as string;
  });
}
