import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import { wordsOf } from '../words.js';

/** 88 bits: whoever signs states until one has the words of another needs about as many trials. */
const WORDS = 8;

/** What names a vault as it is at one moment: the fields that an invitation vouches for, too. */
export interface VaultWordsFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** 65 bytes SEC1. */
  readonly identityKey: Uint8Array;
  readonly counter: number;
  /** SHA-256 of the manifest's bytes. */
  readonly manifestHash: Uint8Array;
}

/**
 * A vault as it is at one moment, as eight words of BIP 39 (English): two devices that show the same words
 * show the same identity key, members, agents, slots and past. Every write changes the words.
 */
export function vaultWords(fields: VaultWordsFields): readonly string[] {
  const { issuer, vaultId, identityKey, counter, manifestHash } = fields;
  const message = lp(labels.vaultWords, issuer, vaultId, identityKey, counter, manifestHash);
  return wordsOf(sha256(message), WORDS);
}
