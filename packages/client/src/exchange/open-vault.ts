import {
  type Bytes,
  DEVICE_SECRET_GENERATION,
  isPzkError,
  PzkError,
  type VaultOpenResponse,
  vaultOpenResponseSchema,
} from '@pzk-auth/protocol';
import type { ClientRecords, DeviceRecord, VaultRecord } from '../storage/client-records.js';
import { openDeviceSecret } from '../storage/device-secret.js';
import type { SessionKey } from '../transport/session-key.js';
import { type OpenedVaultEntry, openVaultEntry } from '../vault/open-vault-entry.js';
import type { KnownRoster } from '../vault/roster.js';
import {
  type UnlockedEntry,
  type UnlockVaultEntryOptions,
  unlockVaultEntry,
  type VaultApprovals,
} from '../vault/unlock-vault-entry.js';
import { wipeVault } from '../vault/unlocked-vault.js';
import type { ExchangeContext } from './exchange-context.js';
import type { PasskeyTouch } from './touch-passkey.js';

/** What opening this device's vault takes. */
export interface OpenVaultOptions extends VaultApprovals {
  readonly nonce: string;
  /** Its assertion will also serve `/token`. */
  readonly touch: PasskeyTouch;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
}

function vaultMissing(hint: string, cause?: unknown): PzkError {
  const options = cause === undefined ? { hint } : { hint, cause };
  return new PzkError('vault_missing', 'This device has no vault that it can open.', options);
}

/** Finds the secret of a generation: from the touch, from another one, or of this browser's storage. */
function secretSource({ records }: ExchangeContext, { assertion, ...touch }: PasskeyTouch) {
  return async (generation: number): Promise<CryptoKey> => {
    if (generation === DEVICE_SECRET_GENERATION) {
      const record = await records.readDeviceSecret(assertion.id);
      if (record !== undefined) return openDeviceSecret(assertion.id, record);
      throw vaultMissing('The secret stayed in the browser of the enrolment. Enter the API key.');
    }
    const secret = touch.secrets.get(generation) ?? (await touch.askGeneration(generation));
    if (secret !== undefined) return secret;
    throw new PzkError('prf_missing_at_get', 'The passkey gave no PRF output.', {
      hint: 'Use the browser and the authenticator of the enrolment, or enter the API key.',
    });
  };
}

/**
 * What this browser remembers of the vault that it is shown, whichever passkey or code it knew it by.
 *
 * @param told - Whose counter the server was told: a browser that knows two vaults may have told that of the
 * other one. Then the ancestry is none of this vault.
 */
export async function recallVault(
  records: ClientRecords,
  { vault, ancestry }: VaultOpenResponse,
  told: VaultRecord | undefined,
): Promise<Pick<UnlockVaultEntryOptions, 'memory' | 'roster' | 'ancestry'>> {
  const known = await records.readVault(vault.vault_id);
  if (known === undefined) return {};
  const { vault: memory, roster } = known;
  if (memory.counter === told?.vault.counter) return { memory, roster, ancestry };
  // Should it need one, the next opening asks for it.
  await records.chooseVault(vault.vault_id);
  return { memory, roster };
}

/** Fetches the vault entry of this device and hands it to a way of opening it. */
async function withEntry<T>(
  context: ExchangeContext,
  { nonce, touch, key, signal, ...approvals }: OpenVaultOptions,
  open: (options: UnlockVaultEntryOptions, answer: VaultOpenResponse) => Promise<T>,
): Promise<T> {
  const { config, transport, records } = context;
  const credentialId = touch.assertion.id;
  const device = await records.readDevice(credentialId);
  const told = device ?? (await records.readLastVault());
  const counter = told?.vault.counter;
  const body = {
    nonce,
    credential: touch.assertion,
    ...(counter === undefined ? {} : { counter }),
  };
  let answer: VaultOpenResponse;
  try {
    const request = { path: '/vault/open', body, key, signal };
    answer = await transport.post(request, vaultOpenResponseSchema);
  } catch (cause) {
    if (!isPzkError(cause) || cause.code !== 'not_found') throw cause;
    throw vaultMissing('Enter the API key once more on this device.', cause);
  }
  const recalled =
    device === undefined
      ? await recallVault(records, answer, told)
      : { memory: device.vault, roster: device.roster, ancestry: answer.ancestry };
  const options: UnlockVaultEntryOptions = {
    issuer: config.issuer,
    credentialId,
    entry: answer.vault,
    secretFor: secretSource(context, touch),
    ...recalled,
    successions: answer.successions,
    ...approvals,
  };
  return open(options, answer);
}

/** Remembers what was opened, unless another page is further. */
async function remember(
  { records }: ExchangeContext,
  { credentialId, memory: checked }: UnlockVaultEntryOptions,
  {
    approved,
    ...opened
  }: Pick<DeviceRecord, 'generation' | 'vault'> & Pick<UnlockedEntry, 'approved'>,
): Promise<void> {
  if (await records.advanceDevice({ credentialId, ...opened }, { checked, approved })) return;
  throw new PzkError('vault_conflict', 'Another page has gone on with the vault meanwhile.', {
    hint: 'Open it again.',
  });
}

/**
 * Fetches the vault entry of this device, opens it for the API key and remembers its manifest.
 *
 * @param apiKey - As the user has typed it in: serves where the vault lists none.
 * @returns The API key; overwrite it after use.
 * @throws PzkError `vault_missing`, `prf_missing_at_get`, the codes of `openVaultEntry`, and what the
 * transport throws
 */
export function openVault(
  context: ExchangeContext,
  options: OpenVaultOptions,
  apiKey?: Bytes,
): Promise<OpenedVaultEntry> {
  return withEntry(context, options, async (unlocking) => {
    const opened = await openVaultEntry({ ...unlocking, apiKey });
    try {
      const { apiKey: _, pin: __, memory: vault, ...rest } = opened;
      await remember(context, unlocking, { vault, ...rest });
      return opened;
    } catch (cause) {
      opened.apiKey.fill(0);
      throw cause;
    }
  });
}

/** A vault that was unlocked, with what the server said of it. */
export interface FetchedVault extends UnlockedEntry {
  /** The roster that the user has confirmed on this device. */
  readonly roster: KnownRoster | undefined;
  readonly answer: VaultOpenResponse;
}

/**
 * Fetches the vault entry of this device, unlocks it and remembers its manifest. Wipe the vault after
 * use.
 *
 * @throws PzkError as {@link openVault}
 */
export function unlockVault(
  context: ExchangeContext,
  options: OpenVaultOptions,
): Promise<FetchedVault> {
  return withEntry(context, options, async (unlocking, answer) => {
    const unlocked = await unlockVaultEntry(unlocking);
    try {
      const { memory, recipient } = unlocked.vault;
      const { generation } = recipient;
      const { approved } = unlocked;
      await remember(context, unlocking, {
        vault: memory,
        generation,
        ...(approved === undefined ? {} : { approved }),
      });
      return { ...unlocked, answer, roster: unlocking.roster };
    } catch (cause) {
      wipeVault(unlocked.vault);
      throw cause;
    }
  });
}
