import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import { wordsOf } from '../words.js';

/** 88 bits: whoever makes keys until one has the words of another needs about as many trials. */
const WORDS = 8;

/** What names the identity key of a vault to people. */
export interface IdentityWordsFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** 65 bytes SEC1. */
  readonly identityKey: Uint8Array;
}

/**
 * The identity key of a vault as eight words of BIP 39 (English): two devices that show the same words
 * rest on the same key.
 */
export function identityWords({
  issuer,
  vaultId,
  identityKey,
}: IdentityWordsFields): readonly string[] {
  return wordsOf(sha256(lp(labels.identityWords, issuer, vaultId, identityKey)), WORDS);
}
