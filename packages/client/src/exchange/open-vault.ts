import {
  DEVICE_SECRET_GENERATION,
  isPzkError,
  PzkError,
  type VaultOpenResponse,
  vaultOpenResponseSchema,
} from '@pzk-auth/protocol';
import type { DeviceRecord } from '../storage/client-records.js';
import { openDeviceSecret } from '../storage/device-secret.js';
import type { SessionKey } from '../transport/session-key.js';
import { type OpenedVaultEntry, openVaultEntry } from '../vault/open-vault-entry.js';
import { rosterOf } from '../vault/roster.js';
import {
  type ApproveReplacedSlots,
  type ApproveSuccession,
  type UnlockedEntry,
  type UnlockVaultEntryOptions,
  unlockVaultEntry,
} from '../vault/unlock-vault-entry.js';
import { wipeVault } from '../vault/unlocked-vault.js';
import type { ExchangeContext } from './exchange-context.js';
import type { PasskeyTouch } from './touch-passkey.js';

/** What opening this device's vault takes. */
export interface OpenVaultOptions {
  readonly nonce: string;
  /** Its assertion will also serve `/token`. */
  readonly touch: PasskeyTouch;
  readonly key: SessionKey;
  readonly approveSuccession?: ApproveSuccession | undefined;
  readonly approveReplacedSlots?: ApproveReplacedSlots | undefined;
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

/** Fetches the vault entry of this device and hands it to a way of opening it. */
async function withEntry<T>(
  context: ExchangeContext,
  { nonce, touch, key, approveSuccession, approveReplacedSlots, signal }: OpenVaultOptions,
  open: (options: UnlockVaultEntryOptions, answer: VaultOpenResponse) => Promise<T>,
): Promise<T> {
  const { config, transport, records } = context;
  const credentialId = touch.assertion.id;
  const device = await records.readDevice(credentialId);
  const counter = device?.vault.counter;
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
  const options: UnlockVaultEntryOptions = {
    issuer: config.issuer,
    credentialId,
    entry: answer.vault,
    secretFor: secretSource(context, touch),
    memory: device?.vault,
    roster: device?.roster,
    ancestry: answer.ancestry,
    successions: answer.successions,
    approveSuccession,
    approveReplacedSlots,
  };
  return open(options, answer);
}

/** Remembers what was opened, unless another page is further. */
async function remember(
  { records }: ExchangeContext,
  { credentialId, memory: checked }: UnlockVaultEntryOptions,
  opened: Omit<DeviceRecord, 'credentialId'>,
): Promise<void> {
  if (await records.advanceDevice({ credentialId, ...opened }, checked)) return;
  throw new PzkError('vault_conflict', 'Another page has gone on with the vault meanwhile.', {
    hint: 'Open it again.',
  });
}

/**
 * Fetches the vault entry of this device, opens it for the API key and remembers its manifest.
 *
 * @returns The API key; overwrite it after use.
 * @throws PzkError `vault_missing`, `prf_missing_at_get`, the codes of `openVaultEntry`, and what the
 * transport throws
 */
export function openVault(
  context: ExchangeContext,
  options: OpenVaultOptions,
): Promise<OpenedVaultEntry> {
  return withEntry(context, options, async (unlocking) => {
    const opened = await openVaultEntry(unlocking);
    try {
      const { memory: vault, generation } = opened;
      await remember(context, unlocking, { vault, generation });
      return opened;
    } catch (cause) {
      opened.apiKey.fill(0);
      throw cause;
    }
  });
}

/** A vault that was unlocked, with what the server said of it. */
export interface FetchedVault extends UnlockedEntry {
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
      const { memory, recipient, manifest } = unlocked.vault;
      const { generation } = recipient;
      const roster = rosterOf(manifest);
      await remember(context, unlocking, { vault: memory, generation, roster });
      return { ...unlocked, answer };
    } catch (cause) {
      wipeVault(unlocked.vault);
      throw cause;
    }
  });
}
