import {
  blobHash,
  decodeBase64url,
  encodeBase64url,
  fitsVault,
  type HistoryNode,
  historyAfter,
  limits,
  manifestSignatureMessage,
  mayBeSealed,
  nodesAfter,
  parseEs256CoseKey,
  parseManifest,
  RECOVERY,
  sealedHash,
  successionMessage,
  type VaultManifest,
  type VaultRecipient,
  type VaultWrite,
  vaultEtag,
} from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { AgentRow, VaultRecipientRow, VaultRow } from '../stores/vault-stores.js';
import { isP256Point, isSignedByP256, p256Thumbprint } from './p256.js';

/** A recipient that a write may add, besides a recovery code: what invitation or enrolment brought. */
export interface JoiningRecipient {
  /** Recipient id. */
  readonly id: string;
  /** Server id of its device. */
  readonly device: string;
  readonly hpkeKey: string;
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly coseKey: string;
  readonly salt: string;
  readonly generation: number;
  /** Where it was sent before; else the write brings it. */
  readonly pin?: string | undefined;
}

/** Who writes, and what may come with it. */
export interface WriteExpectation {
  readonly issuer: string;
  /** Entity tag that the writer read. */
  readonly ifMatch: string;
  /** Recipient id of the writer. */
  readonly writer: string;
  readonly joining?: JoiningRecipient | undefined;
  /** `receipts_head` of a release; without it the head stays. */
  readonly receiptsHead?: string | undefined;
}

/** What a write changes, by id; for the events. */
export interface WriteChanges {
  /** Another identity key: all slots are new with it and are not listed as changed. */
  readonly rotated: boolean;
  readonly slotsAdded: readonly string[];
  readonly slotsChanged: readonly string[];
  readonly slotsRemoved: readonly string[];
  readonly recipientsAdded: readonly string[];
  readonly recipientsRemoved: readonly string[];
  readonly agentsAdded: readonly string[];
  readonly agentsRemoved: readonly string[];
}

/** A write that passed, as it is to be stored. */
export interface CheckedWrite {
  readonly next: VaultRow;
  readonly history: readonly HistoryNode[];
  readonly agents: readonly AgentRow[];
  readonly changes: WriteChanges;
}

function refuse(reason: string, cause?: unknown): never {
  throw refusal('invalid_request', reason, cause);
}

function parseNext(bytes: Uint8Array): VaultManifest {
  try {
    return parseManifest(bytes);
  } catch (cause) {
    return refuse('The manifest is malformed.', cause);
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const byId = <T extends { readonly id: string }>(items: readonly T[]) =>
  new Map(items.map((item) => [item.id, item]));

const idsMissing = (
  from: ReadonlyMap<string, unknown>,
  items: readonly { readonly id: string }[],
): readonly string[] => items.map(({ id }) => id).filter((id) => !from.has(id));

/** Everything that the checks of one write look at. */
interface Comparison {
  readonly row: VaultRow;
  readonly before: VaultManifest;
  readonly after: VaultManifest;
  readonly write: VaultWrite;
  readonly expected: WriteExpectation;
  readonly rotates: boolean;
}

function checkSuccession({ row, before, after, write, expected, rotates }: Comparison): void {
  const { succession } = write;
  if (!rotates) {
    if (succession !== undefined) refuse('A succession to the same identity key.');
    return;
  }
  if (succession === undefined) refuse('Another identity key without a succession.');
  const { identity_key: identityKey, counter, previous, by, signature } = succession;
  const fits =
    succession.old_identity_key === before.identity_key &&
    identityKey === after.identity_key &&
    counter === after.counter &&
    previous === row.etag &&
    // By the writer; a device that joins by the recovery code may say so itself.
    (by === expected.writer || by === expected.joining?.id);
  const message = successionMessage({
    issuer: expected.issuer,
    vaultId: row.vaultId,
    oldIdentityKey: decodeBase64url(before.identity_key),
    newIdentityKey: decodeBase64url(identityKey),
    counter,
    previous: decodeBase64url(previous),
    by,
  });
  if (!fits || !isSignedByP256(before.identity_key, message, signature)) {
    refuse('The succession does not lead from the stored identity key to the next.');
  }
}

/** Whether a recipient that was there is still the same, and only sealed anew where it differs. */
function isKept(before: VaultRecipient, after: VaultRecipient, own: boolean): boolean {
  const renewed = own
    ? // Section 12.14: the writer's own keys of another generation; never down to device storage.
      before.generation === 0 || after.generation > 0
    : same(
        [before.hpke_key, before.salt, before.generation],
        [after.hpke_key, after.salt, after.generation],
      );
  return (
    renewed && before.credential_id === after.credential_id && before.cose_key === after.cose_key
  );
}

function isJoining(recipient: VaultRecipient, joining: JoiningRecipient | undefined): boolean {
  return (
    joining !== undefined &&
    recipient.id === joining.id &&
    recipient.hpke_key === joining.hpkeKey &&
    recipient.credential_id === joining.credentialId &&
    recipient.cose_key === joining.coseKey &&
    recipient.salt === joining.salt &&
    recipient.generation === joining.generation
  );
}

function recoveryKeyOf({ recipients }: VaultManifest): string | undefined {
  const recovery = recipients.find(({ credential_id }) => credential_id === RECOVERY);
  if (recovery === undefined) return undefined;
  // In its one form, as parsing the manifest has seen.
  const key = encodeBase64url(parseEs256CoseKey(decodeBase64url(recovery.cose_key)));
  if (!isP256Point(key)) refuse('The key of the recovery code is no point.');
  return key;
}

/** The recipients as they are to be stored. */
function mergeRecipients(comparison: Comparison): readonly VaultRecipientRow[] {
  const { row, before, after, write, expected, rotates } = comparison;
  const { writer, joining } = expected;
  const listed = byId(before.recipients);
  const stored = byId(row.recipients);
  const sent = byId(write.recipients);
  const next = byId(after.recipients);
  if (idsMissing(next, write.recipients).length > 0) refuse('A sealed part for nobody.');
  if (!rotates && idsMissing(next, before.recipients).length > 0) {
    refuse('A recipient is dropped without another identity key.');
  }
  if (after.recipients.every(({ credential_id }) => credential_id === RECOVERY)) {
    refuse('No recipient stands on a passkey.');
  }
  return after.recipients.map((recipient) => {
    const { id } = recipient;
    const was = listed.get(id);
    const kept = stored.get(id);
    const part = sent.get(id);
    if (was !== undefined && kept !== undefined && same(was, recipient)) {
      if (rotates) refuse('A recipient keeps the sealed part of another identity key.');
      if (part !== undefined) refuse('A sealed part that is not new.');
      return kept;
    }
    const madeHere = recipient.credential_id === RECOVERY && was === undefined;
    const joins = was === undefined && isJoining(recipient, joining);
    const own = id === writer;
    if (!madeHere && !joins && (was === undefined || !isKept(was, recipient, own))) {
      refuse('A recipient that nobody brought, or that is not as it was.');
    }
    // To what is none nobody could ever seal again, so no later rotation would go through.
    if (!isP256Point(recipient.hpke_key)) refuse('The HPKE key of a recipient is no point.');
    if (part === undefined || recipient.counter !== after.counter) {
      refuse('A recipient that changes is sealed anew.');
    }
    if (encodeBase64url(sealedHash(part.sealed)) !== recipient.sealed_hash) {
      refuse('A sealed part has another hash.');
    }
    const brings = own || madeHere || (joins && joining?.pin === undefined);
    if (brings !== (part.pin !== undefined)) refuse('A pin is missing, or not for the writer.');
    const pin = part.pin ?? (joins ? joining?.pin : kept?.pin);
    if (pin === undefined) refuse('A pin is missing.');
    const device = joins ? (joining?.device ?? '') : (kept?.device ?? '');
    return { id, device, sealed: part.sealed, pin };
  });
}

/** The slots as they are to be stored, in the manifest's order. */
function mergeSlots({ row, before, after, write, rotates }: Comparison): VaultRow['slots'] {
  const listed = byId(before.slots);
  const stored = byId(row.slots);
  const sent = byId(write.slots);
  if (idsMissing(byId(after.slots), write.slots).length > 0) refuse('A blob for no slot.');
  const slots = after.slots.map((slot) => {
    const was = listed.get(slot.id);
    const kept = stored.get(slot.id);
    const part = sent.get(slot.id);
    if (was !== undefined && kept !== undefined && same(was, slot)) {
      if (rotates) refuse('A slot keeps the blob of another vault key.');
      if (part !== undefined) refuse('A blob that is not new.');
      return kept;
    }
    if (slot.version !== (was?.version ?? 0) + 1) refuse('A version is not one higher.');
    if (was !== undefined && was.kind !== slot.kind) refuse('A slot changes its kind.');
    if (part === undefined || encodeBase64url(blobHash(part.blob)) !== slot.blob_hash) {
      refuse('A blob is missing or has another hash.');
    }
    if (!mayBeSealed(slot.kind, part.blob)) refuse('A blob is no ciphertext.');
    return part;
  });
  if (!fitsVault(slots)) refuse('The slots are too large together.');
  return slots;
}

function agentRows(account: string, { agents }: VaultManifest): readonly AgentRow[] {
  return agents.map(({ id, name, key }) => {
    if (!isP256Point(key)) refuse('The key of an agent is no point.');
    return { account, id, name, key, jkt: p256Thumbprint(key) };
  });
}

function changesOf({ before, after, rotates }: Comparison): WriteChanges {
  const slots = byId(before.slots);
  const changed = after.slots.filter((slot) => {
    const was = slots.get(slot.id);
    return was !== undefined && !same(was, slot);
  });
  return {
    rotated: rotates,
    slotsAdded: idsMissing(slots, after.slots),
    slotsChanged: rotates ? [] : changed.map(({ id }) => id),
    slotsRemoved: idsMissing(byId(after.slots), before.slots),
    recipientsAdded: idsMissing(byId(before.recipients), after.recipients),
    recipientsRemoved: idsMissing(byId(after.recipients), before.recipients),
    agentsAdded: idsMissing(byId(before.agents), after.agents),
    agentsRemoved: idsMissing(byId(after.agents), before.agents),
  };
}

/** The newest: a limit that could be used up would leave a vault from which nobody can be removed. */
function successionsAfter(row: VaultRow, { succession }: VaultWrite): VaultRow['successions'] {
  if (succession === undefined) return row.successions;
  return [...row.successions, succession].slice(-limits.vaultSuccessions);
}

/** @throws PzkError `vault_conflict` if the writer read another vault than the one that is stored. */
export function assertUnchanged({ etag }: VaultRow, ifMatch: string): void {
  if (ifMatch !== etag) throw refusal('vault_conflict', 'Another write came before.');
}

/**
 * Checks a write against the vault that is stored, docs/protocol.md section 12.10, so that a client's
 * fault or a stolen token does no harm, and makes the row that it leads to. Nothing here opens anything.
 * Not yet verified: that the writer is who it says, and that the stored vault is still this one when the
 * row is written.
 *
 * @throws PzkError `vault_conflict` if the writer read another vault; else `invalid_request`
 */
export function checkVaultWrite(
  row: VaultRow,
  write: VaultWrite,
  expected: WriteExpectation,
): CheckedWrite {
  assertUnchanged(row, expected.ifMatch);
  const bytes = decodeBase64url(write.manifest);
  const before = parseManifest(decodeBase64url(row.manifest));
  const after = parseNext(bytes);
  const rotates = after.identity_key !== before.identity_key;
  const comparison = { row, before, after, write, expected, rotates };
  if (after.issuer !== expected.issuer || after.vault_id !== row.vaultId) {
    refuse('The manifest is of another vault.');
  }
  if (after.counter !== before.counter + 1 || after.previous !== row.etag) {
    refuse('The manifest does not follow the stored one.');
  }
  if (!same(after.history, historyAfter(before))) refuse('The history is not as it must be.');
  if (after.receipts_head !== (expected.receiptsHead ?? before.receipts_head)) {
    refuse('The head of the receipts is not as it must be.');
  }
  checkSuccession(comparison);
  const message = manifestSignatureMessage(row.vaultId, bytes);
  if (!isSignedByP256(after.identity_key, message, write.manifest_signature)) {
    refuse('The signature of the manifest is wrong.');
  }
  const recoveryKey = recoveryKeyOf(after);
  const next: VaultRow = {
    account: row.account,
    vaultId: row.vaultId,
    manifest: write.manifest,
    manifestSignature: write.manifest_signature,
    etag: vaultEtag(bytes),
    slots: mergeSlots(comparison),
    recipients: mergeRecipients(comparison),
    successions: successionsAfter(row, write),
    ...(recoveryKey === undefined ? {} : { recoveryKey }),
  };
  return {
    next,
    history: nodesAfter(before),
    agents: agentRows(row.account, after),
    changes: changesOf(comparison),
  };
}
