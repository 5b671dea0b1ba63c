import type { CeremonyGuard } from '../session/ceremony-guard.js';
import type { SessionKey } from '../transport/session-key.js';
import type { VaultApprovals } from '../vault/unlock-vault-entry.js';
import type { AccountApi } from './account-api.js';
import type { ExchangeContext } from './exchange-context.js';
import type { VaultHolder } from './vault-holder.js';

/** Options of opening a vault. */
export interface OpenOptions extends VaultApprovals {
  /** Lets the user choose among all passkeys instead of the one used last. Default false. */
  readonly anyPasskey?: boolean;
  /** Seconds that the vault stays open in memory, also when it is opened anew on the way. Default 300. */
  readonly keepFor?: number;
  readonly signal?: AbortSignal;
}

/** Options of what opens the vault on its way: as at `open`. */
export interface TouchOptions extends VaultApprovals {
  readonly signal?: AbortSignal;
}

/** What everything about a vault works with. */
export interface VaultContext {
  readonly exchange: ExchangeContext;
  readonly api: AccountApi;
  readonly holder: VaultHolder;
  readonly guard: CeremonyGuard;
  /** The key of the session, or a fresh one. */
  readonly sessionKey: () => Promise<SessionKey>;
  /** Opens the vault with a touch, also one that is open: the user is asked anew. */
  readonly open: (options?: OpenOptions) => Promise<void>;
  /**
   * The same on the way to something else, as the user has opened it last.
   *
   * @throws PzkError `not_signed_in`: what follows would fail, after the touch
   */
  readonly openAgain: (options?: TouchOptions) => Promise<void>;
  /** As `openAgain`, where the vault is locked. */
  readonly openIfLocked: (options?: TouchOptions) => Promise<void>;
}
