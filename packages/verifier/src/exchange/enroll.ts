import { createHash } from 'node:crypto';
import {
  decodeBase64url,
  type EnrollRequest,
  enrollContext,
  enrollRequestSchema,
  type PasskeyEnrollment,
  parseManifest,
  parseMessage,
  parseProof,
  type TokenResponse,
  vaultEntryHash,
} from '@pzk-auth/protocol';
import type { Authorization } from '../options.js';
import { randomId } from '../random-id.js';
import { refusal } from '../refuse.js';
import type { DeviceRow, KeyRow } from '../stores/durable-stores.js';
import type { VaultRow } from '../stores/vault-stores.js';
import { resetVault } from '../vault/reset-vault.js';
import { checkVaultEntry } from '../vault/vault-entry-check.js';
import type { Engine, RequestContext } from './engine.js';
import { enrollmentRefusal } from './enrollment-refusal.js';
import { consumeNonce, type OpenExchange, openExchange } from './open-exchange.js';
import { assertAddressBudget, assertKnownCircuit, checkProof } from './proof-check.js';
import { verifyRegisteredPasskey } from './registered-passkey.js';
import { type ActiveKey, assertNotRevoked, findKey } from './standing.js';
import { assertScopeGranted, startSession } from './start-session.js';

const ENDPOINT = '/enroll';

/** What a device sent, verified as far as the device itself can show it. */
interface Candidate {
  readonly device: Omit<DeviceRow, 'account' | 'key'>;
  readonly credentialId: string;
  readonly coseKey?: Uint8Array | undefined;
  readonly recipientKey?: Uint8Array | undefined;
  readonly vaultEntryHash?: Uint8Array | undefined;
  readonly vault?: PasskeyEnrollment['vault'];
}

async function verifyPasskey(
  engine: Engine,
  exchange: OpenExchange,
  message: PasskeyEnrollment,
): Promise<Candidate> {
  const { config } = engine;
  const { coseKey, device } = await verifyRegisteredPasskey(engine, exchange, message);
  const { credentialId } = device;
  const { vault, recipient_key: recipientKey } = message;
  if ((vault === undefined) !== (recipientKey === undefined)) {
    throw refusal('invalid_request', 'A vault entry and its recipient key go together.');
  }
  const keyProtection =
    vault === undefined || recipientKey === undefined
      ? 'none'
      : checkVaultEntry(vault, { issuer: config.issuer, credentialId, coseKey, recipientKey });
  if (keyProtection === 'device' && !config.allowWithoutPrf) {
    const reason = 'Devices without PRF are not accepted here.';
    throw await enrollmentRefusal(engine, { credentialId, jkt: '' }, '', reason);
  }
  return {
    credentialId,
    coseKey,
    recipientKey: recipientKey === undefined ? undefined : decodeBase64url(recipientKey),
    vaultEntryHash: vault === undefined ? undefined : vaultEntryHash(vault),
    vault,
    device: { ...device, keyProtection },
  };
}

function keypairCandidate(exchange: OpenExchange): Candidate {
  return {
    credentialId: '',
    device: {
      id: randomId(),
      kind: 'keypair',
      credentialId: '',
      jkt: exchange.jkt,
      publicKey: '',
      userHandle: '',
      transports: [],
      backupEligible: false,
      backedUp: false,
      keyProtection: 'none',
      counter: 0,
      counterNonce: '',
      createdAt: exchange.now,
    },
  };
}

function toVaultRow(account: string, candidate: Candidate): VaultRow | undefined {
  const { vault, device } = candidate;
  if (vault === undefined) return undefined;
  const manifest = decodeBase64url(vault.manifest);
  const { recipients } = parseManifest(manifest);
  return {
    account,
    vaultId: vault.vault_id,
    manifest: vault.manifest,
    manifestSignature: vault.manifest_signature,
    etag: createHash('sha256').update(manifest).digest('base64url'),
    slots: vault.slots,
    // One, as `checkVaultEntry` saw.
    recipients: recipients.map(({ id }) => {
      return { id, device: device.id, sealed: vault.sealed, pin: vault.pin };
    }),
    successions: [],
  };
}

const LINKED_ELSEWHERE = 'The account is linked to another user.';

/** What the application says about this person, and whether the key alone would do. */
interface Permission {
  readonly authorization: Authorization | undefined;
  /** Only as the first device of the account. */
  readonly onlyFirst: boolean;
}

async function judgePermission(
  engine: Engine,
  request: Request,
  active: ActiveKey,
  exchange: { readonly device: Candidate['device']; readonly now: number },
): Promise<Permission> {
  const { config, stores } = engine;
  const { key, account } = active;
  const { device, now } = exchange;
  const devices = await stores.devices.listByAccount(account.id);
  const authorization = await config.authorize?.(request, {
    account: account.id,
    user: account.user,
    key: key.id,
    hasDevices: devices.length > 0,
  });
  const { user } = authorization ?? {};
  if (user !== undefined && account.user !== undefined && user !== account.user) {
    throw await enrollmentRefusal(engine, device, account.id, LINKED_ELSEWHERE);
  }
  if (authorization?.allowDevice === true || authorization?.resetVault === true) {
    return { authorization, onlyFirst: false };
  }
  const inWindow = now < key.createdAt + config.firstDeviceWindow * 1000;
  if (devices.length > 0 || !inWindow) {
    const reason = 'A proof alone enrols the first device, in time.';
    throw await enrollmentRefusal(engine, device, account.id, reason);
  }
  return { authorization, onlyFirst: true };
}

/** What the key demands decides which form is right. */
function fits(message: EnrollRequest, key: KeyRow): boolean {
  return key.demands === ('registration' in message ? 'passkey' : 'keypair');
}

/**
 * Writes device and vault together, or neither. A vault is created only where none exists: a device that
 * joins an account with a vault holds no part of it yet, and its tokens do not claim that it does.
 */
async function storeDevice(
  engine: Engine,
  candidate: Candidate,
  { key, account }: ActiveKey,
  { authorization, onlyFirst }: Permission,
): Promise<DeviceRow> {
  const { vaults, devices } = engine.stores;
  const joins = !onlyFirst && (await vaults.get(account.id)) !== undefined;
  const vault = toVaultRow(account.id, candidate);
  const owned: DeviceRow = { ...candidate.device, account: account.id, key: key.id };
  const resets = joins && authorization?.resetVault === true && vault !== undefined;
  const device: DeviceRow = joins && !resets ? { ...owned, keyProtection: 'none' } : owned;
  const result = resets
    ? await resetVault(engine, device, vault)
    : await devices.enroll({ device, vault: joins ? undefined : vault, onlyFirst });
  if (result !== 'enrolled') {
    throw await enrollmentRefusal(engine, device, account.id, `Enrolment is ${result}.`);
  }
  return device;
}

/**
 * `POST {base}/enroll` by proof: enrols a device, once, and starts its first session. Device and vault
 * are written together after the nonce was consumed, or not at all.
 */
export async function enrollDevice(
  engine: Engine,
  request: Request,
  context: RequestContext,
  body: unknown,
): Promise<TokenResponse> {
  const { config, stores } = engine;
  const message = parseMessage(enrollRequestSchema, body);
  assertKnownCircuit(engine, message.circuit);
  await assertAddressBudget(engine, context);
  const { nonce, circuit, commitment } = message;
  const proof = parseProof(message.proof);
  const exchange = await openExchange(engine, {
    request,
    endpoint: ENDPOINT,
    purpose: 'enroll',
    nonce,
  });

  const active = await findKey(engine, commitment, exchange.now);
  const candidate =
    'registration' in message
      ? await verifyPasskey(engine, exchange, message)
      : keypairCandidate(exchange);
  const { audience, scope } = exchange.claims;
  const statement = enrollContext({
    issuer: config.issuer,
    audience,
    nonce,
    jkt: exchange.jkt,
    credentialId: candidate.credentialId,
    scope,
    circuitId: circuit,
    commitment,
    coseKey: candidate.coseKey,
    recipientKey: candidate.recipientKey,
    vaultEntryHash: candidate.vaultEntryHash,
  });
  const check = { circuit, commitment, context: statement, proof, lane: 'enroll' } as const;
  await checkProof(engine, exchange, check);
  if (active.key === undefined) throw refusal('invalid_grant', active.reason);
  if (!fits(message, active.key)) throw refusal('invalid_grant', 'The key is of another kind.');
  const { key, account } = active;
  assertScopeGranted(scope, key);
  const permission = await judgePermission(engine, request, active, {
    device: candidate.device,
    now: exchange.now,
  });

  await engine.limits.countExchange(key.id);
  await consumeNonce(engine, exchange, ENDPOINT);
  await assertNotRevoked(engine, {
    account: key.account,
    key: key.id,
    device: undefined,
    sid: undefined,
  });
  // Linked before anything else is written: a device that lost to another link would have to be ended
  // again, and the vault that came with it would stay. Should the device be refused after all, the link
  // stands: the person proved the key, and the application said who it is.
  const user = permission.authorization?.user;
  if (user !== undefined) {
    if (!(await stores.accounts.linkUser(account.id, user))) {
      throw await enrollmentRefusal(engine, candidate.device, account.id, LINKED_ELSEWHERE);
    }
    if (account.user === undefined) {
      await engine.emit({ type: 'account_linked', account: account.id });
    }
  }
  const device = await storeDevice(engine, candidate, active, permission);
  const byProofAlone = permission.onlyFirst;
  const ids = { account: account.id, key: key.id, device: device.id };
  await engine.emit({ type: 'device_enrolled', ...ids, byProofAlone });
  return startSession(engine, exchange, { key, device, proof });
}
