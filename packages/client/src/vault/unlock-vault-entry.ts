import {
  type Bytes,
  blobHash,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  manifestSignatureMessage,
  PzkError,
  parseJson,
  parseManifest,
  pinMessage,
  SEC1_POINT_BYTES,
  type Succession,
  sealedHash,
  type VaultEntry,
  type VaultManifest,
  type VaultRecipient,
  vaultSealInfo,
} from '@pzk-auth/protocol';
import { openHpke } from './hpke.js';
import { isIdentityScalar, verifyIdentitySignature } from './identity-key.js';
import { deriveRecipientKeys, type RecipientKeys } from './recipient-keys.js';
import { compareRosters, type KnownRoster, type RosterComparison, rosterOf } from './roster.js';
import { findSuccessions } from './succession-chain.js';
import { type UnlockedVault, VAULT_KEY_BYTES } from './unlocked-vault.js';
import {
  findRollback,
  type RollbackSigner,
  rememberManifest,
  rollbackError,
  type VaultMemory,
  wordsOfManifest,
} from './vault-memory.js';

/** What changed since this device last approved a signer of the vault: to be shown to the user. */
export interface SuccessionReview {
  readonly vaultId: string;
  /**
   * Recipient ids under which the keys were changed, oldest first: what the writers say of themselves. Any
   * holder of the identity key, as a device that was taken out, can write any.
   */
  readonly by: readonly string[];
  /** Who can open the vault now. */
  readonly recipients: readonly VaultRecipient[];
  /**
   * The vault as it is now in eight words, `vaultWords` of its contents: the device that rotated shows the
   * same, opened anew if it was written to since; a forged one cannot.
   */
  readonly vaultWords: readonly string[];
  /** What differs from the roster that the user has confirmed on this device, by `confirmChanges`. */
  readonly changes: RosterComparison;
}

/** Asks the user whether the new signer of the vault is to be trusted. */
export type ApproveSuccession = (review: SuccessionReview) => boolean | Promise<boolean>;

/**
 * An older state of the vault than this device remembers, or one that forked off before that: to be shown to
 * the user. The service may have restored a backup, or it hides what came later.
 */
export interface RollbackReview {
  readonly vaultId: string;
  /** Of the state that this device remembers. The first is 1, and every write raises it by one. */
  readonly rememberedCounter: number;
  /** Of the state that the server shows. */
  readonly shownCounter: number;
  /**
   * How many writes are missing that this device remembers, at least: the newest ones up to
   * `rememberedCounter`, by this device or another.
   */
  readonly missing: number;
  /**
   * Who signed what is shown: the identity key that this device remembers, a `later` one, or one of before a
   * change of keys that it knows. With `earlier`, whoever was taken out by that change may be in again.
   */
  readonly signer: RollbackSigner;
  /** Who can open the vault in the state that is shown. */
  readonly recipients: readonly VaultRecipient[];
  /** That state in eight words, as `vaultWords` of the contents. */
  readonly vaultWords: readonly string[];
  /** What differs from the roster that the user has confirmed on this device, by `confirmChanges`. */
  readonly changes: RosterComparison;
}

/** Asks the user whether to go on with an older state of the vault. */
export type ApproveRollback = (review: RollbackReview) => boolean | Promise<boolean>;

/** A slot for which the server keeps other bytes than the manifest lists. */
export type ReplacedSlot = Pick<VaultManifest['slots'][number], 'id' | 'version' | 'kind'>;

/** Asks the user whether the vault is to be opened without these slots. */
export type ApproveReplacedSlots = (slots: readonly ReplacedSlot[]) => boolean | Promise<boolean>;

/** What only the user can say while a vault is opened. Each: `true` only on the user's yes. */
export interface VaultApprovals {
  /**
   * Asked where another device has changed the vault's keys, as it does when it takes a device or a
   * recovery code out. Show the user what changed and who can open the vault now. Absent: it fails with
   * `vault_repin_required`.
   */
  readonly approveSuccession?: ApproveSuccession | undefined;
  /**
   * Asked where the server keeps other bytes of slots than were signed: its storage is damaged, or somebody
   * exchanged them. Show which they are; with `true` the vault opens and shows them with `damaged`. Absent: it
   * fails with `vault_slot_invalid`.
   */
  readonly approveReplacedSlots?: ApproveReplacedSlots | undefined;
  /**
   * Asked where the server shows an older state of the vault than this browser remembers, or one that
   * forked off before. The service may have restored a backup, or it hides what came later: have the user
   * ask its operator first. With `true` this browser goes on from that state, and `basis` is `pin`. Absent: it
   * fails with `vault_rollback`, as for another vault in any case.
   */
  readonly approveRollback?: ApproveRollback | undefined;
}

/** What unlocking a vault takes. */
export interface UnlockVaultEntryOptions extends VaultApprovals {
  readonly issuer: string;
  /** Credential id of this device, base64url; or `recovery`. */
  readonly credentialId: string;
  readonly entry: VaultEntry;
  /**
   * The secret of this device for a PRF generation. May ask the user. The generation comes from a
   * manifest that is not trusted yet.
   */
  readonly secretFor: (generation: number) => Promise<CryptoKey>;
  /** What this device remembers of the vault; absent on a fresh one. */
  readonly memory?: VaultMemory | undefined;
  /** The roster that the user has confirmed on this device. */
  readonly roster?: KnownRoster | undefined;
  /** Hashes that lead from what is remembered to the manifest, as the server tells them. */
  readonly ancestry?: readonly string[] | undefined;
  /** Changes of the identity key, as the server tells them. */
  readonly successions?: readonly Succession[];
}

/** A vault that passed every check but those of its slots' contents. */
export interface UnlockedEntry {
  readonly vault: UnlockedVault;
  /** A new pin, where the user approved another signer: base64url; the server gets it by `signPin`. */
  readonly newPin?: string;
  /** Where the user went on with an older state than this device remembered. */
  readonly approved?: 'rollback';
}

function manifestError(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('vault_manifest_invalid', 'The manifest of the vault is refused.', options);
}

/** The key that the manifest claims to be signed with: all that is read before the signature. */
function readClaimedIdentityKey(manifest: Bytes): Bytes {
  try {
    const value = parseJson(manifest);
    if (typeof value !== 'object' || value === null || !('identity_key' in value))
      throw manifestError();
    if (typeof value.identity_key !== 'string') throw manifestError();
    return decodeBase64url(value.identity_key, SEC1_POINT_BYTES);
  } catch (cause) {
    throw manifestError(cause);
  }
}

/**
 * Checks the signature by the key that the manifest itself claims, then parses it. A server can pass
 * this with a key of its own: nothing is trusted until the pin covers that key.
 */
export async function readSignedManifest(
  vaultId: string,
  bytes: Bytes,
  signature: Bytes,
): Promise<VaultManifest> {
  const message = manifestSignatureMessage(vaultId, bytes);
  if (!(await verifyIdentitySignature(readClaimedIdentityKey(bytes), signature, message))) {
    throw manifestError();
  }
  return parseManifest(bytes);
}

/** The pin of a recipient over an identity key. */
export async function makePin(
  pinKey: CryptoKey,
  fields: Parameters<typeof pinMessage>[0],
): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', pinKey, pinMessage(fields)));
}

/**
 * The successions that lead from a key that the pin covers to the signer; empty where the pin covers
 * the signer itself.
 */
async function checkPin(
  keys: RecipientKeys,
  recipient: VaultRecipient,
  manifest: VaultManifest,
  options: UnlockVaultEntryOptions,
): Promise<readonly Succession[]> {
  const { issuer, entry, successions = [] } = options;
  const pin = decodeBase64url(entry.pin);
  const covers = (identityKey: string) => {
    // Issuer and ids of this client and of the entry: a pin made elsewhere does not fit here.
    const message = pinMessage({
      issuer,
      vaultId: entry.vault_id,
      recipientId: recipient.id,
      identityKey: decodeBase64url(identityKey),
    });
    return crypto.subtle.verify('HMAC', keys.pinKey, pin, message);
  };
  if (await covers(manifest.identity_key)) return [];
  for (const { old_identity_key } of successions) {
    if (!(await covers(old_identity_key))) continue;
    const chain = await findSuccessions(manifest, old_identity_key, successions);
    if (chain !== undefined) return chain;
  }
  throw new PzkError('vault_pin_mismatch', 'This passkey never approved the signer of the vault.', {
    hint: 'The vault may have been replaced. Do not enter the API key; ask the operator.',
  });
}

async function assertApproved(
  chain: readonly Succession[],
  { manifest, bytes }: UnlockedVault,
  approve: ApproveSuccession | undefined,
  changes: RosterComparison,
): Promise<void> {
  const review: SuccessionReview = Object.freeze({
    vaultId: manifest.vault_id,
    by: Object.freeze(chain.map(({ by }) => by)),
    recipients: Object.freeze(manifest.recipients),
    vaultWords: wordsOfManifest(manifest, bytes),
    changes,
  });
  if ((await approve?.(review)) === true) return;
  throw new PzkError('vault_repin_required', 'Another device has changed the keys of the vault.', {
    hint: 'Show the user what changed and who can open the vault now, and go on with a yes.',
  });
}

async function assertRollbackApproved(
  signer: RollbackSigner,
  { counter }: VaultMemory,
  { manifest, bytes }: Pick<UnlockedVault, 'manifest' | 'bytes'>,
  approve: ApproveRollback | undefined,
  changes: RosterComparison,
): Promise<void> {
  const review: RollbackReview = Object.freeze({
    vaultId: manifest.vault_id,
    rememberedCounter: counter,
    shownCounter: manifest.counter,
    // Of a fork nobody can tell here where it began.
    missing: Math.max(1, counter - manifest.counter),
    signer,
    recipients: Object.freeze(manifest.recipients),
    vaultWords: wordsOfManifest(manifest, bytes),
    changes,
  });
  if ((await approve?.(review)) !== true) throw rollbackError();
}

function sealedError(cause?: unknown): PzkError {
  const options = cause === undefined ? {} : { cause };
  return new PzkError('vault_sealed_invalid', 'The sealed key of the vault is refused.', options);
}

async function unseal(
  keys: RecipientKeys,
  recipient: VaultRecipient,
  manifest: VaultManifest,
  { issuer, entry }: UnlockVaultEntryOptions,
): Promise<Bytes> {
  const listed = decodeBase64url(recipient.sealed_hash);
  if (!equalBytes(sealedHash(entry.sealed), listed)) throw sealedError();
  if (!equalBytes(keys.hpkePublicKey, decodeBase64url(recipient.hpke_key))) throw sealedError();
  const info = vaultSealInfo({
    issuer,
    vaultId: entry.vault_id,
    recipientId: recipient.id,
    counter: recipient.counter,
  });
  const sealed = {
    enc: decodeBase64url(entry.sealed.enc),
    ct: decodeBase64url(entry.sealed.ct),
  };
  let secrets: Bytes;
  try {
    secrets = await openHpke(keys.hpke, info, sealed);
  } catch (cause) {
    throw sealedError(cause);
  }
  const scalar = secrets.slice(VAULT_KEY_BYTES);
  try {
    // Who holds the vault key holds the identity key, or something was put together from two vaults.
    if (await isIdentityScalar(scalar, decodeBase64url(manifest.identity_key))) return secrets;
  } finally {
    scalar.fill(0);
  }
  secrets.fill(0);
  throw sealedError();
}

export function slotsError(): PzkError {
  return new PzkError('vault_slot_invalid', 'The slots are not those of the manifest.', {
    hint: 'Stored data was exchanged or damaged. Ask the operator, who may have a backup.',
  });
}

/**
 * The slots of an entry whose bytes are not those that the manifest lists.
 *
 * @throws PzkError `vault_slot_invalid` where slots are missing, too many or in another order
 */
export function findReplacedSlots(
  entry: VaultEntry,
  manifest: VaultManifest,
): readonly ReplacedSlot[] {
  const listed = manifest.slots;
  const isInPlace =
    entry.slots.length === listed.length &&
    entry.slots.every(({ id }, index) => listed[index]?.id === id);
  if (!isInPlace) throw slotsError();
  return listed
    .filter((slot, index) => {
      const { blob = '' } = entry.slots[index] ?? {};
      return slot.blob_hash !== encodeBase64url(blobHash(blob));
    })
    .map(({ id, version, kind }) => Object.freeze({ id, version, kind }));
}

/**
 * Unlocks a vault entry from the server (docs/protocol.md section 12.8). In this order:
 *
 * 1. the signature over the manifest's bytes, by the identity key that the manifest claims. The pin
 *    is keyed with a salt from the roster inside the manifest, so one of the two has to be read
 *    first; up to the pin, what was read chooses only which derivation to try.
 * 2. what this device remembers is an ancestor: neither rolled back, forked nor replaced. Before `secretFor`:
 *    a device that knows its vault asks nobody for a touch at the word of another signer, and is not
 *    told by one that its secret lies elsewhere. An older state, or a fork, by a signer that it knows goes on
 *    where the user approves after step 5;
 * 3. the pin of this recipient covers that identity key, for this issuer, vault and recipient; or it
 *    covers one from which successions lead to it, and the user approves after step 6;
 * 4. issuer and vault id of the manifest;
 * 5. the hash of what is sealed; it opens; the identity scalar in it fits the identity key;
 * 6. every slot, its order and its hash. Bytes that nobody signed refuse the vault, unless the user goes
 *    on without them: storage that failed would else take all other secrets with it.
 *
 * @throws PzkError `vault_manifest_invalid`, `vault_pin_mismatch`, `vault_repin_required`,
 * `vault_sealed_invalid`, `vault_slot_invalid`, `vault_rollback`; and what `secretFor` throws.
 */
export async function unlockVaultEntry(options: UnlockVaultEntryOptions): Promise<UnlockedEntry> {
  const { issuer, entry, credentialId, memory, ancestry, successions } = options;
  const bytes = decodeBase64url(entry.manifest);
  const signature = decodeBase64url(entry.manifest_signature);
  const manifest = await readSignedManifest(entry.vault_id, bytes, signature);
  const { approveRollback } = options;
  const rolledBack =
    memory && (await findRollback(manifest, bytes, { memory, ancestry, successions }));
  if (rolledBack !== undefined && approveRollback === undefined) throw rollbackError();
  const recipient = manifest.recipients.find((one) => one.credential_id === credentialId);
  if (recipient === undefined) throw manifestError();

  const { generation } = recipient;
  const keys = await deriveRecipientKeys(
    await options.secretFor(generation),
    { issuer, vaultId: entry.vault_id, credentialId, generation },
    decodeBase64url(recipient.salt),
  );
  const chain = await checkPin(keys, recipient, manifest, options);
  if (manifest.issuer !== issuer || manifest.vault_id !== entry.vault_id) throw manifestError();
  const secrets = await unseal(keys, recipient, manifest, options);
  try {
    const { roster } = options;
    const changes = compareRosters(roster, rosterOf(manifest));
    if (memory !== undefined && rolledBack !== undefined) {
      await assertRollbackApproved(
        rolledBack,
        memory,
        { manifest, bytes },
        approveRollback,
        changes,
      );
    }
    const replaced = findReplacedSlots(entry, manifest);
    if (replaced.length > 0) {
      const approve = options.approveReplacedSlots;
      if ((await approve?.(Object.freeze(replaced))) !== true) throw slotsError();
    }
    const missing = new Set(replaced.map(({ id }) => id));
    const vault: UnlockedVault = {
      manifest,
      bytes,
      signature,
      recipient,
      pinKey: keys.pinKey,
      secrets,
      blobs: new Map(
        entry.slots.filter(({ id }) => !missing.has(id)).map(({ id, blob }) => [id, blob]),
      ),
      memory: rememberManifest(
        manifest,
        bytes,
        // What came later may be hidden: as on a browser that remembers nothing.
        memory === undefined || rolledBack !== undefined ? { ...memory, fromPin: true } : memory,
        chain.map(({ old_identity_key }) => old_identity_key),
      ),
    };
    const unlocked: UnlockedEntry = {
      vault,
      ...(rolledBack === undefined ? {} : { approved: 'rollback' }),
    };
    if (chain.length === 0) return unlocked;
    await assertApproved(chain, vault, options.approveSuccession, changes);
    const identityKey = decodeBase64url(manifest.identity_key);
    const vaultId = manifest.vault_id;
    const pin = await makePin(keys.pinKey, {
      issuer,
      vaultId,
      recipientId: recipient.id,
      identityKey,
    });
    return { ...unlocked, newPin: encodeBase64url(pin) };
  } catch (cause) {
    secrets.fill(0);
    throw cause;
  }
}
