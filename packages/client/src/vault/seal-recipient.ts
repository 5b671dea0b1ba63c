import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  sealedHash,
  type VaultEntry,
  type VaultRecipient,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { importHpkePublicKey, sealHpke } from './hpke.js';

/** Whom a vault is sealed to; all of a roster's entry that does not depend on the sealing. */
export type RecipientIdentity = Omit<VaultRecipient, 'counter' | 'sealed_hash'>;

/** A recipient with what is sealed to it. */
export interface SealedRecipient {
  /** As the roster lists it. */
  readonly recipient: VaultRecipient;
  readonly sealed: VaultEntry['sealed'];
}

/**
 * Seals a vault's secrets to a recipient. The caller answers for its key: derived here, vouched for by
 * `mac_new`, or listed by a manifest that was opened.
 *
 * @param secrets - Vault key and identity scalar.
 * @throws Error of the library where the recipient's key is no point on the curve.
 */
export async function sealToRecipient(
  vault: { readonly issuer: string; readonly vaultId: string; readonly counter: number },
  identity: RecipientIdentity,
  secrets: Bytes,
): Promise<SealedRecipient> {
  const { counter } = vault;
  const publicKey = await importHpkePublicKey(decodeBase64url(identity.hpke_key));
  const info = vaultSealInfo({ ...vault, recipientId: identity.id });
  const { enc, ct } = await sealHpke(publicKey, info, secrets);
  const sealed = { enc: encodeBase64url(enc), ct: encodeBase64url(ct) };
  // Member by member: what else an object holds has no place in a roster.
  const { id, hpke_key, credential_id, cose_key, salt, generation } = identity;
  const sealed_hash = encodeBase64url(sealedHash(sealed));
  return {
    recipient: { id, hpke_key, credential_id, cose_key, salt, generation, counter, sealed_hash },
    sealed,
  };
}
