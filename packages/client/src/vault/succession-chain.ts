import {
  decodeBase64url,
  type Succession,
  successionMessage,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { verifyIdentitySignature } from './identity-key.js';

/** The manifest to whose signer a chain has to lead. */
type ChainEnd = Pick<
  VaultManifest,
  'issuer' | 'vault_id' | 'identity_key' | 'counter' | 'previous'
>;

function isSigned(end: ChainEnd, succession: Succession): Promise<boolean> {
  const oldIdentityKey = decodeBase64url(succession.old_identity_key);
  const message = successionMessage({
    issuer: end.issuer,
    vaultId: end.vault_id,
    oldIdentityKey,
    newIdentityKey: decodeBase64url(succession.identity_key),
    counter: succession.counter,
    previous: decodeBase64url(succession.previous),
    by: succession.by,
  });
  return verifyIdentitySignature(oldIdentityKey, decodeBase64url(succession.signature), message);
}

/**
 * The successions that lead from an identity key to the signer of a manifest, oldest first: each signed
 * by the key before it, counters rising, none ahead of the manifest (docs/protocol.md section 12.11). A
 * removed device can sign such a chain, too: whether it is to be trusted is for the user to say.
 *
 * @returns Empty where the key is the signer; `undefined` where nothing leads from it to the signer.
 */
export async function findSuccessions(
  end: ChainEnd,
  from: string,
  successions: readonly Succession[],
): Promise<readonly Succession[] | undefined> {
  const chain: Succession[] = [];
  let key = from;
  while (key !== end.identity_key) {
    const next = successions.find(
      (one) => one.old_identity_key === key && one.counter > (chain.at(-1)?.counter ?? 1),
    );
    if (next === undefined || next.counter > end.counter) return undefined;
    if (!(await isSigned(end, next))) return undefined;
    chain.push(next);
    key = next.identity_key;
  }
  const last = chain.at(-1);
  if (last?.counter === end.counter && last.previous !== end.previous) return undefined;
  return chain;
}
