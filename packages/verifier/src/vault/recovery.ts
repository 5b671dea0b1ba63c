import {
  decodeBase64url,
  parseManifest,
  parseMessage,
  RECOVERY,
  type RecoveryFields,
  recoveryEnrollmentSchema,
  recoveryMessage,
  recoveryWriteHash,
  type VaultOpenResponse,
  type VaultWrite,
  type VaultWriteResponse,
  vaultRecoverRequestSchema,
} from '@pzk-auth/protocol';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { enrollmentRefusal } from '../exchange/enrollment-refusal.js';
import { consumeNonce, type OpenExchange, openExchange } from '../exchange/open-exchange.js';
import { assertAddressBudget } from '../exchange/proof-check.js';
import { verifyRegisteredPasskey } from '../exchange/registered-passkey.js';
import { assertNotRevoked } from '../exchange/standing.js';
import { readMessage } from '../http/read-message.js';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import type { VaultRecipientRow, VaultRow } from '../stores/vault-stores.js';
import { commitWrite } from './commit-write.js';
import { isSignedByP256 } from './p256.js';
import { emitWrite } from './vault-events.js';
import { vaultOpening } from './vault-view.js';
import { assertUnchanged, checkVaultWrite, type JoiningRecipient } from './write-check.js';

/** What somebody with a recovery code shows. */
interface ShownCode {
  readonly recovery_key: string;
  readonly signature: string;
}

/** The vault of a recovery code that has signed this exchange. Unknown and wrong take the same path. */
async function findByCode(
  engine: Engine,
  exchange: OpenExchange,
  { recovery_key: key, signature }: ShownCode,
  bound: Pick<RecoveryFields, 'endpoint' | 'writeHash'>,
): Promise<{ readonly vault: VaultRow; readonly recovery: VaultRecipientRow }> {
  const { nonce, jkt, claims } = exchange;
  const { issuer } = engine.config;
  const message = recoveryMessage({ issuer, audience: claims.audience, nonce, jkt, ...bound });
  const isSigned = isSignedByP256(key, message, signature);
  const vault = await engine.stores.vaults.findByRecoveryKey(key);
  const account = await engine.stores.accounts.get(vault?.account ?? '');
  // That of the code stands on no device.
  const recovery = vault?.recipients.find(({ device }) => device === '');
  if (!isSigned) throw refusal('invalid_grant', 'The signature of the recovery code is wrong.');
  if (vault === undefined || recovery === undefined) {
    throw refusal('invalid_grant', 'No vault has this recovery code.');
  }
  if (account === undefined || account.revokedAt !== undefined) {
    throw refusal('invalid_grant', 'The account of the vault is revoked.');
  }
  return { vault, recovery };
}

/** Consumes the nonce and reads what was revoked before. */
async function consume(
  engine: Engine,
  exchange: OpenExchange,
  endpoint: string,
  account: string,
): Promise<void> {
  await consumeNonce(engine, exchange, endpoint);
  const others = { key: undefined, device: undefined, sid: undefined };
  await assertNotRevoked(engine, { account, ...others });
}

/** `POST {base}/vault/recover`: gives the entry that the recovery code opens. */
export async function recoverVault(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<VaultOpenResponse> {
  const message = await readMessage(request, vaultRecoverRequestSchema);
  await assertAddressBudget(engine, context);
  const endpoint = '/vault/recover' as const;
  const { nonce } = message;
  const exchange = await openExchange(engine, { request, endpoint, purpose: 'enroll', nonce });
  const { vault, recovery } = await findByCode(engine, exchange, message, { endpoint });
  const { account } = vault;
  await consume(engine, exchange, endpoint, account);
  await engine.emit({ type: 'vault_recovered', account, recipient: recovery.id });
  return vaultOpening(engine, vault, recovery, message.counter);
}

/** The recipient that the write lists for the new passkey. What is malformed lists none. */
function joiningOf(
  write: VaultWrite,
  device: Pick<DeviceRow, 'id' | 'credentialId' | 'publicKey'>,
): JoiningRecipient {
  const { id, credentialId, publicKey: coseKey } = device;
  const listed = (() => {
    try {
      const { recipients } = parseManifest(decodeBase64url(write.manifest));
      return recipients.find(({ credential_id }) => credential_id === credentialId);
    } catch (cause) {
      throw refusal('invalid_request', 'The manifest is malformed.', cause);
    }
  })();
  if (listed === undefined || credentialId === RECOVERY) {
    throw refusal('invalid_request', 'The write does not list the new passkey.');
  }
  const { hpke_key: hpkeKey, salt, generation } = listed;
  return { id: listed.id, device: id, hpkeKey, credentialId, coseKey, salt, generation };
}

/**
 * `POST {base}/enroll` by a recovery code: a fresh passkey becomes a device of the account together with
 * the write that lists it. It then signs in like any other.
 */
export async function enrollByRecovery(
  engine: Engine,
  request: Request,
  context: RequestContext,
  body: unknown,
): Promise<VaultWriteResponse> {
  const message = parseMessage(recoveryEnrollmentSchema, body);
  await assertAddressBudget(engine, context);
  const endpoint = '/enroll' as const;
  const { nonce, if_match: ifMatch, write } = message;
  const exchange = await openExchange(engine, { request, endpoint, purpose: 'enroll', nonce });
  const passkey = await verifyRegisteredPasskey(engine, exchange, message);
  const { vault, recovery } = await findByCode(engine, exchange, message, {
    endpoint,
    writeHash: recoveryWriteHash(write),
  });
  const { account } = vault;
  const siblings = await engine.stores.devices.listByAccount(account);
  const { credentialId } = passkey.device;
  // Delivered twice, it finds what the first delivery wrote; told apart from a conflict.
  if ((await engine.stores.devices.findByCredentialId(credentialId)) !== undefined) {
    throw await enrollmentRefusal(engine, passkey.device, account, 'The credential is enrolled.');
  }
  assertUnchanged(vault, ifMatch);
  const joining = joiningOf(write, passkey.device);
  if (joining.generation === 0 && !engine.config.allowWithoutPrf) {
    const reason = 'Devices without PRF are not accepted here.';
    throw await enrollmentRefusal(engine, passkey.device, account, reason);
  }
  const { issuer } = engine.config;
  const expected = { issuer, ifMatch, writer: recovery.id, joining };
  const checked = checkVaultWrite(vault, write, expected);
  const device: DeviceRow = {
    ...passkey.device,
    account,
    // No key was proved; that of the last device tells at least how it belongs here.
    key: siblings.at(-1)?.key ?? '',
    keyProtection: joining.generation === 0 ? 'device' : 'passkey',
  };
  await engine.limits.countExchange(device.key);
  await consume(engine, exchange, endpoint, account);
  await commitWrite(engine, ifMatch, checked, { joins: { device } });
  const ids = { account, device: device.id };
  await engine.emit({ type: 'device_joined', ...ids, recipient: joining.id, by: 'recovery' });
  await emitWrite(engine, ids, checked.changes);
  return { etag: checked.next.etag };
}
