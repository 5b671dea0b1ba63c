import {
  type Assertion,
  type Bytes,
  DEVICE_SECRET_GENERATION,
  isPzkError,
  PzkError,
  type VaultEntry,
  vaultOpenResponseSchema,
} from '@pzk-auth/protocol';
import { openDeviceSecret } from '../storage/device-secret.js';
import type { SessionKey } from '../transport/session-key.js';
import { openVaultEntry } from '../vault/open-vault-entry.js';
import type { ExchangeContext } from './exchange-context.js';

/** What opening this device's vault takes. */
export interface OpenVaultOptions {
  readonly nonce: string;
  /** The assertion that will also serve `/token`. */
  readonly assertion: Assertion;
  readonly key: SessionKey;
  /** PRF secrets at hand, by generation. */
  readonly secrets: ReadonlyMap<number, CryptoKey>;
  /** Asks the passkey for another generation: one more touch. */
  readonly askGeneration: (generation: number) => Promise<CryptoKey | undefined>;
  readonly signal: AbortSignal;
}

function vaultMissing(hint: string, cause?: unknown): PzkError {
  const options = cause === undefined ? { hint } : { hint, cause };
  return new PzkError('vault_missing', 'This device has no vault that it can open.', options);
}

/**
 * Fetches the vault entry of this device, opens it and remembers its manifest.
 *
 * @returns The API key; overwrite it after use.
 * @throws PzkError `vault_missing`, `prf_missing_at_get`, the codes of `openVaultEntry`, and what the
 * transport throws
 */
export async function openVault(
  { config, transport, records }: ExchangeContext,
  options: OpenVaultOptions,
): Promise<Bytes> {
  const { assertion, nonce, key, secrets, signal } = options;
  const credentialId = assertion.id;
  const body = { nonce, credential: assertion };
  let entry: VaultEntry;
  try {
    entry = (
      await transport.post({ path: '/vault/open', body, key, signal }, vaultOpenResponseSchema)
    ).vault;
  } catch (cause) {
    if (!isPzkError(cause) || cause.code !== 'not_found') throw cause;
    throw vaultMissing('Enter the API key once more on this device.', cause);
  }
  const device = await records.readDevice(credentialId);

  async function secretFor(generation: number): Promise<CryptoKey> {
    if (generation === DEVICE_SECRET_GENERATION) {
      const record = await records.readDeviceSecret(credentialId);
      if (record !== undefined) return openDeviceSecret(credentialId, record);
      throw vaultMissing('The secret stayed in the browser of the enrolment. Enter the API key.');
    }
    const secret = secrets.get(generation) ?? (await options.askGeneration(generation));
    if (secret !== undefined) return secret;
    throw new PzkError('prf_missing_at_get', 'The passkey gave no PRF output.', {
      hint: 'Use the browser and the authenticator of the enrolment, or enter the API key.',
    });
  }

  const opened = await openVaultEntry({
    issuer: config.issuer,
    credentialId,
    entry,
    secretFor,
    memory: device?.vault,
  });
  await records.writeDevice({
    credentialId,
    generation: opened.generation,
    vault: opened.memory,
  });
  return opened.apiKey;
}
