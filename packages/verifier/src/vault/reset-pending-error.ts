import { PzkError } from '@pzk-auth/protocol';

/** `vault_reset_pending` with what the answer says of it. */
export class ResetPendingError extends PzkError {
  /** From when on the vault will be replaced, seconds since the epoch. */
  declare readonly resetAt: number;
  /** Seconds until then. */
  readonly left: number;

  /**
   * @param effectiveAt - Milliseconds since the epoch, as `now`.
   */
  constructor(effectiveAt: number, now: number) {
    const resetAt = Math.ceil(effectiveAt / 1000);
    super('vault_reset_pending', 'The vault is not replaced yet.', { resetAt });
    this.left = Math.max(1, Math.ceil((effectiveAt - now) / 1000));
  }
}
