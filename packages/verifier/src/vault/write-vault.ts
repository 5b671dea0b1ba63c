import {
  decodeBase64url,
  limits,
  parseIfMatch,
  parseManifest,
  RECOVERY,
  type VaultWrite,
  type VaultWriteResponse,
  vaultWriteSchema,
} from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { InvitationRow, InvitedDevice, VaultRow } from '../stores/vault-stores.js';
import { commitWrite } from './commit-write.js';
import { authenticateVaultCaller, type VaultCaller } from './vault-caller.js';
import { emitWrite } from './vault-events.js';
import { assertUnchanged, checkVaultWrite } from './write-check.js';

/** The recipient ids that a write brings, recovery codes apart. What is malformed brings none. */
function newRecipients(vault: VaultRow, write: VaultWrite): readonly string[] {
  const stored = new Set(vault.recipients.map(({ id }) => id));
  try {
    return parseManifest(decodeBase64url(write.manifest))
      .recipients.filter(({ id, credential_id }) => credential_id !== RECOVERY && !stored.has(id))
      .map(({ id }) => id);
  } catch {
    // Told by the check of the write.
    return [];
  }
}

/** The device that a write takes in. It was checked by the device that invited it, so that one writes. */
async function findJoined(
  engine: Engine,
  { vault, device }: VaultCaller,
  write: VaultWrite,
): Promise<{ readonly invitation: InvitationRow; readonly joined: InvitedDevice } | undefined> {
  const [recipient] = newRecipients(vault, write);
  if (recipient === undefined) return undefined;
  const invitation = await engine.stores.invitations.findJoined(vault.account, recipient);
  const joined = invitation?.joined;
  if (invitation === undefined || joined === undefined || invitation.device !== device.id) {
    throw refusal('invalid_request', 'A recipient whom this device has not invited.');
  }
  if (invitation.expiresAt <= engine.config.clock()) {
    throw refusal('invalid_request', 'The invitation has expired.');
  }
  return { invitation, joined };
}

/** `POST {base}/vault`: replaces the manifest by its successor, with what is new in it. */
export async function writeVault(engine: Engine, request: Request): Promise<VaultWriteResponse> {
  const write = await readMessage(request, vaultWriteSchema, limits.vaultBodyBytes);
  const ifMatch = parseIfMatch(request.headers.get('if-match'));
  const caller = await authenticateVaultCaller(engine, request, '/vault');
  const { vault, recipient, device, session } = caller;
  await engine.limits.countExchange(session.key);
  // First: a write that follows another manifest brings what that one lists.
  assertUnchanged(vault, ifMatch);
  const found = await findJoined(engine, caller, write);
  const joining = found && {
    id: found.joined.recipient,
    device: found.joined.device.id,
    hpkeKey: found.joined.hpkeKey,
    credentialId: found.joined.device.credentialId,
    coseKey: found.joined.device.publicKey,
    salt: found.joined.salt,
    generation: found.joined.generation,
    pin: found.joined.pin,
  };
  const expected = { issuer: engine.config.issuer, ifMatch, writer: recipient.id, joining };
  const checked = checkVaultWrite(vault, write, expected);
  const joins = found && { device: found.joined.device, invitation: found.invitation.id };
  await commitWrite(engine, ifMatch, checked, { joins });
  const { account } = vault;
  if (found !== undefined) {
    const { device: joined, recipient: id } = found.joined;
    const by = 'invitation' as const;
    await engine.emit({ type: 'device_joined', account, device: joined.id, recipient: id, by });
  }
  await emitWrite(engine, { account, device: device.id }, checked.changes);
  return { etag: checked.next.etag };
}
