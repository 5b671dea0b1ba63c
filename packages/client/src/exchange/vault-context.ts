import type { CeremonyGuard } from '../session/ceremony-guard.js';
import type { SessionKey } from '../transport/session-key.js';
import type { ConfirmedSecret } from '../vault/recipient-keys.js';
import type {
  ApproveReplacedSlots,
  ApproveRollback,
  ApproveSuccession,
} from '../vault/unlock-vault-entry.js';
import type { AccountApi } from './account-api.js';
import type { ExchangeContext } from './exchange-context.js';
import type { VaultHolder } from './vault-holder.js';

/** Options of opening a vault. */
export interface OpenOptions {
  /**
   * Asked where another device has changed the vault's keys, as it does when it takes a device or a
   * recovery code out. Show the user what changed and who can open the vault now; `true` only on the
   * user's yes. Absent: the opening fails with `vault_repin_required`.
   */
  readonly approveSuccession?: ApproveSuccession;
  /**
   * Asked where the server keeps other bytes of slots than were signed: its storage is damaged, or somebody
   * exchanged them. Show which they are; with `true`, only on the user's yes, the vault opens and shows
   * them with `damaged`. Absent: the opening fails with `vault_slot_invalid`.
   */
  readonly approveReplacedSlots?: ApproveReplacedSlots;
  /**
   * Asked where the server shows an older state of the vault than this browser remembers, or one that
   * forked off before. The service may have restored a backup, or it hides what came later: have the user
   * ask its operator first. With `true`, only on the user's yes, this browser goes on from that state, and
   * `basis` is `pin`. Absent: the opening fails with `vault_rollback`, as for another vault in any case.
   */
  readonly approveRollback?: ApproveRollback;
  /** Lets the user choose among all passkeys instead of the one used last. Default false. */
  readonly anyPasskey?: boolean;
  /** Seconds that the vault stays open in memory, also when it is opened anew on the way. Default 300. */
  readonly keepFor?: number;
  readonly signal?: AbortSignal;
}

/** Options of what opens the vault on its way: as at `open`. */
export type TouchOptions = Pick<
  OpenOptions,
  'approveSuccession' | 'approveReplacedSlots' | 'approveRollback' | 'signal'
>;

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
  /** As `openAgain`, with another touch for the secret of the next PRF generation. */
  readonly openForNext: (options?: TouchOptions) => Promise<NextSecret>;
}

/** The secret of the next PRF generation, derived by two touches. */
export interface NextSecret extends ConfirmedSecret {
  readonly generation: number;
}
