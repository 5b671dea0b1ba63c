import type { Bytes } from '../bytes.js';
import { formatCrockford, parseCrockford } from '../crockford.js';
import { PzkError } from '../errors.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import { wordsOf } from '../words.js';

/** Bytes of the id of a pairing. */
export const PAIRING_ID_BYTES = 10;
/** Bytes of the nonce that each side of a pairing draws. */
export const PAIRING_NONCE_BYTES = 32;
/** Words that both sides show. */
const WORDS = 4;

/** Writes the id of a pairing for people: 16 characters in groups of four. */
export function formatPairingId(id: Uint8Array): string {
  if (id.length !== PAIRING_ID_BYTES) throw new TypeError('The id of a pairing has 10 bytes.');
  return formatCrockford(id);
}

/**
 * Reads the id of a pairing as a person types it.
 *
 * @throws PzkError `invalid_request`
 */
export function parsePairingId(text: string): Bytes {
  const id = parseCrockford(text, PAIRING_ID_BYTES);
  if (id === undefined) {
    throw new PzkError('invalid_request', 'This is no pairing code.', {
      hint: 'Look for a typing error: a pairing code has four groups of four characters.',
    });
  }
  return id;
}

/** What an agent commits to before it learns what the browser brings. */
export interface PairingCommitmentFields {
  readonly issuer: string;
  readonly vaultId: string;
  /** The agent's signing key, 65 bytes SEC1. */
  readonly agentKey: Uint8Array;
  /** 32 random bytes of the broker. */
  readonly nonceA: Uint8Array;
}

/** The commitment of an agent, 32 bytes. */
export function pairingCommitment(fields: PairingCommitmentFields): Bytes {
  return sha256(lp(labels.pair, fields.issuer, fields.vaultId, fields.agentKey, fields.nonceA));
}

/** Everything that both sides of a pairing have seen. */
export interface PairingFields extends PairingCommitmentFields {
  /** Identity key of the vault, 65 bytes SEC1. */
  readonly identityKey: Uint8Array;
  /** 32 random bytes of the browser. */
  readonly nonceB: Uint8Array;
}

/**
 * The four words of BIP 39 (English) that both sides show and the user compares. Check the agent's
 * commitment first: the words alone could be searched for.
 */
export function pairingWords(fields: PairingFields): readonly string[] {
  const { issuer, vaultId, agentKey, nonceA, identityKey, nonceB } = fields;
  const hash = sha256(lp(labels.pairWords, issuer, vaultId, agentKey, nonceA, identityKey, nonceB));
  return wordsOf(hash, WORDS);
}
