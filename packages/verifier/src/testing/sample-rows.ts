import type { AuditRow } from '../stores/audit-store.js';
import type { AccountRow, DeviceRow, KeyRow, SigningKeyRow } from '../stores/durable-stores.js';
import type { SessionRow } from '../stores/short-lived-stores.js';
import type {
  AgentRow,
  InvitationRow,
  InvitedDevice,
  PairingRow,
  ReleaseRow,
  VaultRow,
} from '../stores/vault-stores.js';
import { randomId } from './conformance-case.js';

const START = 1_750_000_000_000;

/** A session row of random ids. */
export function sessionRow(over: Partial<SessionRow> = {}): SessionRow {
  return {
    sid: randomId(),
    account: randomId(),
    key: randomId(),
    device: randomId(),
    jkt: randomId(),
    audience: 'https://api.example.com',
    scope: 'a:read b:write',
    authTime: START / 1_000,
    amr: ['hwk', 'user', 'pop'],
    keyProtection: 'passkey',
    createdAt: START,
    ...over,
  };
}

/** An account that is linked to nobody. */
export function accountRow(over: Partial<AccountRow> = {}): AccountRow {
  return { id: randomId(), createdAt: START, ...over };
}

/** A key with a random commitment. */
export function keyRow(over: Partial<KeyRow> = {}): KeyRow {
  const random = BigInt(`0x${Buffer.from(randomId(), 'base64url').toString('hex')}`);
  return {
    id: randomId(),
    account: randomId(),
    commitment: random.toString(),
    scopes: ['a:read', 'b:write'],
    demands: 'passkey',
    createdAt: START,
    ...over,
  };
}

/** A passkey device. */
export function deviceRow(over: Partial<DeviceRow> = {}): DeviceRow {
  return {
    id: randomId(),
    account: randomId(),
    key: randomId(),
    kind: 'passkey',
    credentialId: randomId(),
    jkt: '',
    publicKey: randomId(),
    userHandle: randomId(),
    transports: ['internal', 'hybrid'],
    backupEligible: true,
    backedUp: false,
    keyProtection: 'passkey',
    counter: 0,
    counterNonce: randomId(),
    createdAt: START,
    ...over,
  };
}

/** A device that is a key pair. */
export function keypairRow(over: Partial<DeviceRow> = {}): DeviceRow {
  return deviceRow({
    kind: 'keypair',
    credentialId: '',
    jkt: randomId(),
    publicKey: '',
    keyProtection: 'none',
    ...over,
  });
}

/** A vault with one slot and one recipient; the blobs are random and open nothing. */
export function vaultRow(account: string, device: string, over: Partial<VaultRow> = {}): VaultRow {
  return {
    account,
    vaultId: randomId(),
    manifest: randomId(),
    manifestSignature: randomId(),
    etag: randomId(),
    slots: [{ id: randomId(), blob: randomId() }],
    recipients: [recipientRow(device)],
    successions: [],
    ...over,
  };
}

/** What a vault holds for one recipient. */
export function recipientRow(device: string): VaultRow['recipients'][number] {
  return {
    id: randomId(),
    device,
    sealed: { enc: randomId(), ct: randomId() },
    pin: randomId(),
  };
}

/** An agent of a vault. */
export function agentRow(over: Partial<AgentRow> = {}): AgentRow {
  const row = { account: randomId(), id: randomId(), name: 'Agent \u{1f916} "1"' };
  return { ...row, key: randomId(), jkt: randomId(), ...over };
}

/** An invitation that nobody joined. */
export function invitationRow(over: Partial<InvitationRow> = {}): InvitationRow {
  return {
    id: randomId(),
    account: randomId(),
    vaultId: randomId(),
    device: randomId(),
    macOld: randomId(),
    identityKey: randomId(),
    counter: 7,
    manifestHash: randomId(),
    expiresAt: START + 600_000,
    ended: false,
    ...over,
  };
}

/** What a new browser brings to an invitation. */
export function invitedDevice(device: DeviceRow): InvitedDevice {
  return {
    device,
    recipient: randomId(),
    hpkeKey: randomId(),
    salt: randomId(),
    generation: 1,
    pin: randomId(),
    macNew: randomId(),
  };
}

/** A pairing that waits for its agent. */
export function pairingRow(over: Partial<PairingRow> = {}): PairingRow {
  return {
    id: randomId(),
    account: randomId(),
    vaultId: randomId(),
    device: randomId(),
    expiresAt: START + 600_000,
    status: 'open',
    name: '',
    commitment: '',
    identityKey: '',
    nonceB: '',
    agentKey: '',
    nonceA: '',
    ...over,
  };
}

/** A request that waits. */
export function releaseRow(over: Partial<ReleaseRow> = {}): ReleaseRow {
  const at = over.at ?? START;
  return {
    id: randomId(),
    account: randomId(),
    agent: randomId(),
    request: randomId(),
    signature: randomId(),
    slot: randomId(),
    at,
    expiresAt: at + 600_000,
    status: 'waiting',
    reason: '',
    enc: '',
    ct: '',
    releaseSignature: '',
    uses: 0,
    changedAt: at,
    ...over,
  };
}

/** A signing key; what it wraps is random. */
export function signingKeyRow(over: Partial<SigningKeyRow> = {}): SigningKeyRow {
  return { kid: randomId(), wrapped: randomId(), createdAt: START, activeFrom: START, ...over };
}

/** An entry of the audit log; its hashes are random and prove nothing. */
export function auditRow(seq: number): AuditRow {
  return {
    seq,
    at: START,
    body: `{"type":"é","seq":${seq}}`,
    previous: randomId(),
    hash: randomId(),
  };
}

/** The time of the n-th creation in a case. Milliseconds. */
export function creationTime(index: number): number {
  return START + index * 1_000;
}
