import { randomBytes } from 'node:crypto';
import { commitmentOf, formatApiKey, openCommitment, parseApiKey } from '@pzk-auth/protocol';

/**
 * A key and an exchange: what both provers get.
 *
 * @param {bigint} [context]
 */
export function createOwnershipInput(context = BigInt(`0x${randomBytes(31).toString('hex')}`)) {
  const apiKey = formatApiKey('bench', new Uint8Array(randomBytes(32)));
  const opening = openCommitment(parseApiKey(apiKey), 'https://bench.example');
  return { ...opening, commitment: commitmentOf(opening), context };
}

/**
 * The same for snarkjs, which takes decimals.
 *
 * @param {Readonly<Record<string, bigint>>} input
 */
export function toDecimals(input) {
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, String(value)]));
}
