import {
  decodeBase64url,
  type ExpiryResponse,
  type InvitationOpenResponse,
  type InvitationReadResponse,
  type InvitationStatus,
  invitationIdRequestSchema,
  invitationRequestSchema,
  limits,
  parseManifest,
} from '@pzk-auth/protocol';
import { happensFirst } from '../audit/happens-first.js';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { assertAddressBudget } from '../exchange/proof-check.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { InvitationRow } from '../stores/vault-stores.js';
import { authenticateVaultCaller } from './vault-caller.js';

/** Where an invitation stands; one that has expired is ended. */
export function invitationStatus(row: InvitationRow, now: number): InvitationStatus {
  if (row.ended || row.expiresAt <= now) return 'ended';
  return row.joined === undefined ? 'open' : 'joined';
}

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

/** `POST {base}/vault/invitations`: what a joining browser will ask for. */
export async function createInvitation(engine: Engine, request: Request): Promise<ExpiryResponse> {
  const message = await readMessage(request, invitationRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/invitations');
  const { vault, device, session } = caller;
  await engine.limits.countExchange(session.key);
  const { identity_key: identityKey } = parseManifest(decodeBase64url(vault.manifest));
  // Whoever joins will be shown the vault that is stored, and would refuse it.
  if (identityKey !== message.identity_key) {
    throw refusal('vault_conflict', 'The vault has another identity key meanwhile.');
  }
  const { account, vaultId } = vault;
  const now = engine.config.clock();
  const expiresAt = now + limits.invitationSeconds * 1000;
  const row: InvitationRow = {
    id: message.id,
    account,
    vaultId,
    device: device.id,
    macOld: message.mac_old,
    identityKey,
    counter: message.counter,
    manifestHash: message.manifest_hash,
    expiresAt,
    ended: false,
  };
  if (!(await engine.stores.invitations.insert(row, now))) {
    throw refusal('invalid_request', 'There is an invitation with this id.');
  }
  await engine.emit({ type: 'invitation_created', account, device: device.id });
  return { expires_at: seconds(expiresAt) };
}

async function ownInvitation(engine: Engine, id: string, account: string): Promise<InvitationRow> {
  const row = await engine.stores.invitations.get(id);
  if (row?.account !== account) throw refusal('not_found', 'No such invitation of this account.');
  return row;
}

/** `POST {base}/vault/invitations/read`: what a browser brought to it. */
export async function readInvitation(
  engine: Engine,
  request: Request,
): Promise<InvitationReadResponse> {
  const { id } = await readMessage(request, invitationIdRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/invitations/read');
  const row = await ownInvitation(engine, id, vault.account);
  const status = invitationStatus(row, engine.config.clock());
  const { joined } = row;
  if (status !== 'joined' || joined === undefined) {
    return { status: status === 'open' ? 'open' : 'ended' };
  }
  return {
    status,
    recipient: {
      id: joined.recipient,
      hpke_key: joined.hpkeKey,
      credential_id: joined.device.credentialId,
      cose_key: joined.device.publicKey,
      salt: joined.salt,
      generation: joined.generation,
    },
    mac_new: joined.macNew,
  };
}

/** `POST {base}/vault/invitations/cancel`: what it brought is forgotten with it. */
export async function cancelInvitation(engine: Engine, request: Request): Promise<void> {
  const { id } = await readMessage(request, invitationIdRequestSchema);
  const caller = await authenticateVaultCaller(engine, request, '/vault/invitations/cancel');
  const { account } = caller.vault;
  const row = await ownInvitation(engine, id, account);
  if (await engine.stores.invitations.end(row.id)) {
    engine.emit({ type: 'invitation_cancelled', account, device: caller.device.id });
  }
}

/** `POST {base}/vault/invitations/open`, by the id alone, for the browser that joins. */
export async function openInvitation(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<InvitationOpenResponse> {
  const { id } = await readMessage(request, invitationIdRequestSchema);
  await assertAddressBudget(engine, context);
  const row = await engine.stores.invitations.get(id);
  if (row === undefined) throw refusal('not_found', 'No such invitation.');
  const now = engine.config.clock();
  const status = invitationStatus(row, now);
  // Once, and not later: whoever has the id may look as often as they like.
  const isNews =
    status === 'open' && (await happensFirst(engine, `opened ${row.id}`, row.expiresAt - now));
  if (isNews) engine.emit({ type: 'invitation_opened', account: row.account });
  return {
    vault_id: row.vaultId,
    identity_key: row.identityKey,
    counter: row.counter,
    manifest_hash: row.manifestHash,
    mac_old: row.macOld,
    status,
    expires_at: seconds(row.expiresAt),
  };
}
