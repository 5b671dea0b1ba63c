import { type VaultExport, vaultStatusResponseSchema } from '@pzk-auth/protocol';
import { acceptInvitation } from './exchange/accept-invitation.js';
import type { AccountApi } from './exchange/account-api.js';
import { createRecoveryCode, type NewRecoveryCode } from './exchange/create-recovery-code.js';
import { type DeviceInfo, listDevices, revokeDevice } from './exchange/devices.js';
import type { ExchangeContext } from './exchange/exchange-context.js';
import { type ExportOptions, exportVault } from './exchange/export-vault.js';
import { createInvitation, type Invitation } from './exchange/invitations.js';
import { findLostVault, type LostVault, settleLostVault } from './exchange/lost-vault.js';
import { openByTouch } from './exchange/open-by-touch.js';
import { createOpenVault, type OpenVault } from './exchange/open-vault-handle.js';
import { recoverVault } from './exchange/recover-vault.js';
import type { OpenOptions, VaultContext } from './exchange/vault-context.js';
import { createVaultHolder } from './exchange/vault-holder.js';
import type { VaultState } from './exchange/vault-state.js';
import { type Approvals, createApprovals } from './release/approvals.js';
import { type AgentPairing, pairAgent } from './release/pair-agent.js';
import { createReleases, type Releases } from './release/releases.js';
import type { CeremonyGuard } from './session/ceremony-guard.js';
import type { Observable } from './session/snapshot-store.js';
import type { SessionKey } from './transport/session-key.js';
import type { VaultApprovals } from './vault/unlock-vault-entry.js';
import type { PasskeyUser } from './webauthn/passkeys.js';

/** What the server says of a vault. */
export interface VaultStatus {
  /** How many requests of agents wait. */
  readonly requests: number;
  /** Recipient ids of members whose devices are revoked. */
  readonly revoked: readonly string[];
  /** While a reset waits: from when on the vault can be replaced, seconds since the epoch. */
  readonly resetAt?: number;
}

/** Options of {@link VaultClient.recovery}. The code may be older than the keys of the vault. */
export interface UseRecoveryOptions extends VaultApprovals {
  /** As the user types it in. */
  readonly code: string;
  /** Shown by the authenticator beside the new passkey. */
  readonly user: PasskeyUser;
  readonly signal?: AbortSignal;
}

/** Options of {@link VaultClient.invitations}. */
export interface AcceptOptions {
  /** The code, the fragment of the link, or the whole link. */
  readonly code: string;
  /** Shown by the authenticator beside the new passkey. */
  readonly user: PasskeyUser;
  /**
   * Lets a browser that opens another vault open the one of the invitation from now on. `true` only on the user's
   * yes: whoever sent the invitation reads what is added there. Default false.
   */
  readonly switchVault?: boolean;
  readonly signal?: AbortSignal;
}

/** The vault of the account on this device, and what belongs to it. */
export interface VaultClient extends Observable<VaultState> {
  /**
   * Opens the vault with a touch and keeps it open in memory for a while: until `keepFor` is over, `lock`,
   * a sign-out, or the server ends the session. Needs no session to read; every change needs one.
   *
   * @throws PzkError `vault_missing`, `vault_repin_required`, and what a refused vault is refused with
   */
  open(options?: OpenOptions): Promise<OpenVault>;
  /** The vault while it is open: what `open` resolves to, the same object each time. */
  readonly current: OpenVault;
  lock(): void;
  readonly recovery: {
    /** Makes a recovery code; nothing is stored before it is confirmed. */
    create(): NewRecoveryCode;
    /**
     * In a browser that has nothing but the code: opens the vault with it and enrols a fresh passkey.
     * Call `start()` afterwards, then have the user make a new code and look at the devices.
     *
     * @throws PzkError `recovery_code_malformed`, `invalid_grant` for a code that no vault knows,
     * `vault_repin_required`
     */
    use(options: UseRecoveryOptions): Promise<void>;
  };
  readonly invitations: {
    /**
     * Invites another device; the vault has to be open.
     *
     * @throws PzkError `vault_locked`, `vault_compare_required` while `basis` of the contents is `pin`
     */
    create(): Promise<Invitation>;
    /**
     * In the browser that joins: makes a passkey and offers it to the inviting device. When that has
     * taken it in, call `start()`.
     *
     * @returns Until when it can be taken in, seconds since the epoch.
     * @throws PzkError `invitation_invalid`; `vault_switch_required` in a browser that opens another vault, before
     * a passkey is made
     */
    accept(options: AcceptOptions): Promise<number>;
  };
  /**
   * The vault as a document that the recovery code opens offline: `openVaultExport`, or
   * `npx @pzk-auth/cli vault open`. The user types the code in, and the document is given only where it
   * opens with it.
   *
   * @throws PzkError `vault_locked`, `recovery_code_malformed`; `not_found` where there is no recovery code;
   * `vault_pin_mismatch` where it is another one, among others that an opening is refused with
   */
  export(options: ExportOptions): Promise<VaultExport>;
  readonly agents: {
    /**
     * Starts a pairing with an agent's broker; the vault has to be open.
     *
     * @throws PzkError `vault_locked`, `vault_compare_required` while `basis` of the contents is `pin`
     */
    pair(): Promise<AgentPairing>;
  };
  /** Requests of agents that wait for the user. */
  readonly approvals: Approvals;
  /** What was released, its receipts and the trail of it. */
  readonly releases: Releases;
  /**
   * What the server says of the vault while it is locked: how many requests wait, which members are
   * revoked, whether a reset waits. Takes no touch.
   */
  status(): Promise<VaultStatus>;
  readonly reset: {
    /** Cancels a reset that waits: see `resetAt` of the contents. */
    cancel(): Promise<void>;
    /**
     * The vault that was lost with a reset, as long as the user has not settled it: lead them through
     * `rotationSteps`, for whoever has the lost devices may have its keys. Absent where nothing was lost, and
     * where the issuer keeps no audit log (`audit: false`).
     */
    lost(): Promise<LostVault | undefined>;
    /** Says that the user has rotated what was lost: `lost` gives nothing more, on this device. */
    settle(): Promise<void>;
  };
  readonly devices: {
    list(): Promise<readonly DeviceInfo[]>;
    /**
     * Ends the tokens of a device, with a touch. `OpenVault.removeDevice` then takes it out of the vault.
     *
     * @throws PzkError `not_signed_in`, before the touch; `not_found`, and those of a passkey that is asked
     */
    revoke(deviceId: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
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
  const openAgain: VaultContext['openAgain'] = async (touch = {}) => {
    api.assertSignedIn();
    await openByTouch(base, holder.asBefore(touch));
  };
  const context: VaultContext = {
    ...base,
    open: (openOptions = {}) => openByTouch(base, openOptions),
    openAgain,
    openIfLocked: async (touch) => {
      if (!holder.isOpen()) await openAgain(touch);
    },
  };
  const handle = createOpenVault(context);
  const releases = createReleases(context);
  const readStatus = () => api.post('/vault/status', {}, vaultStatusResponseSchema);
  const lostVaults = { readStatus, releases, records };
  return {
    subscribe: holder.state.subscribe,
    getSnapshot: holder.state.getSnapshot,
    async open(openOptions) {
      await context.open(openOptions);
      return handle;
    },
    current: handle,
    lock: () => holder.lock(),
    recovery: {
      create: () => createRecoveryCode(context),
      use: ({ signal, ...recovery }) =>
        guard.run(signal, async (combined) =>
          recoverVault(exchange, { ...recovery, key: await sessionKey(), signal: combined }),
        ),
    },
    invitations: {
      create: () => createInvitation(context),
      accept: ({ signal, switchVault = false, ...acceptance }) =>
        guard.run(signal, async (combined) =>
          acceptInvitation(exchange, {
            ...acceptance,
            switchVault,
            key: await sessionKey(),
            signal: combined,
          }),
        ),
    },
    export: (exportOptions) => exportVault(context, exportOptions),
    agents: { pair: () => pairAgent(context) },
    approvals: createApprovals(context),
    releases,
    async status() {
      const { requests, revoked, reset_at } = await readStatus();
      return Object.freeze({
        requests,
        revoked,
        ...(reset_at === undefined ? {} : { resetAt: reset_at }),
      });
    },
    reset: {
      cancel: () => api.postVoid('/vault/reset/cancel', {}),
      lost: () => findLostVault(lostVaults),
      settle: () => settleLostVault(lostVaults),
    },
    devices: {
      list: () => listDevices(api),
      revoke: (device, revocation) => revokeDevice(base, device, revocation),
    },
  };
}
