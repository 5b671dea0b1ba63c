import type { AccountApi } from './exchange/account-api.js';
import { type DeviceInfo, listDevices, revokeDevice } from './exchange/devices.js';
import type { ExchangeContext } from './exchange/exchange-context.js';
import { openByTouch } from './exchange/open-by-touch.js';
import { createOpenVault, type OpenVault } from './exchange/open-vault-handle.js';
import type { OpenOptions, VaultContext } from './exchange/vault-context.js';
import { createVaultHolder } from './exchange/vault-holder.js';
import type { VaultState } from './exchange/vault-state.js';
import type { CeremonyGuard } from './session/ceremony-guard.js';
import type { Observable } from './session/snapshot-store.js';
import type { SessionKey } from './transport/session-key.js';

/** The vault of the account on this device, and what belongs to it. */
export interface VaultClient extends Observable<VaultState> {
  /**
   * Opens the vault with a touch and keeps it open in memory for a while. Needs no session to read;
   * every change needs one.
   *
   * @throws PzkError `vault_missing`, `vault_repin_required`, and what a refused vault is refused with
   */
  open(options?: OpenOptions): Promise<OpenVault>;
  /** The vault while it is open: what `open` resolves to, the same object each time. */
  readonly current: OpenVault;
  lock(): void;
  readonly devices: {
    list(): Promise<readonly DeviceInfo[]>;
    /** Ends the tokens of a device. `OpenVault.removeDevice` then takes it out of the vault. */
    revoke(deviceId: string): Promise<void>;
  };
}

/** What a vault client stands on. */
export interface VaultClientOptions {
  readonly exchange: ExchangeContext;
  readonly api: AccountApi;
  readonly guard: CeremonyGuard;
  readonly sessionKey: () => Promise<SessionKey>;
}

export function createVaultClient(options: VaultClientOptions): VaultClient {
  const { exchange, api, guard, sessionKey } = options;
  const { config, records } = exchange;
  const holder = createVaultHolder(records, api, config.clock);
  const base = { exchange, api, holder, guard, sessionKey };
  const context: VaultContext = {
    ...base,
    open: (openOptions = {}) => openByTouch(base, openOptions),
  };
  const handle = createOpenVault(context);
  return {
    subscribe: holder.state.subscribe,
    getSnapshot: holder.state.getSnapshot,
    async open(openOptions) {
      await context.open(openOptions);
      return handle;
    },
    current: handle,
    lock: () => holder.lock(),
    devices: {
      list: () => listDevices(api),
      revoke: (device) => revokeDevice(api, device),
    },
  };
}
