import { isUndecided, type PzkError, type PzkErrorCode } from '@pzk-auth/react-hooks';
import { formatWhen } from './format.js';

/** What to do about the failures that a user of this page can meet. */
const ADVICE: Partial<Record<PzkErrorCode, string>> = {
  passkey_cancelled: 'Nothing was changed. Try again whenever you like.',
  prf_unsupported:
    'This passkey cannot derive secrets (the PRF extension). Use the one of your device or of your password manager, or another browser.',
  prf_missing_at_get:
    'This authenticator promised a secret and then did not give it. Use another passkey or browser.',
  prf_mismatch: 'The passkey gave two different secrets, so nothing was stored. Use another one.',
  invalid_grant:
    'This passkey belongs to no device that is known here, or to one that was removed.',
  vault_missing: 'There is no vault for this passkey.',
  vault_conflict: 'Another device changed the vault in between. Look at it and try again.',
  vault_compare_required: 'Compare it first, as the notice above says, or go on there.',
  vault_rollback:
    'The platform shows another vault than this browser knows. It stays locked; ask the operator.',
  vault_repin_required: 'Your vault stays locked until you say that it was you.',
  network_error: 'Is the server still running?',
  session_expired: 'Sign in with the passkey again.',
  not_signed_in: 'Sign in with the passkey again.',
};

const UNKNOWN = 'Look whether it has before you do it again.';

/** Props of {@link ErrorNotice}. */
export interface ErrorNoticeProps {
  readonly title: string;
  /**
   * Whether it is a change that failed. Where only its answer was lost, the title says so, and not that nothing
   * has happened. Default false.
   */
  readonly isChange?: boolean;
  readonly error: PzkError;
  /** Instead of what is said of its code elsewhere. */
  readonly advice?: string;
}

/** A failure with its advice. */
export function ErrorNotice({ title, isChange = false, error, advice }: ErrorNoticeProps) {
  if (error.code === 'aborted') return null;
  const isUnknown = isChange && isUndecided(error);
  return (
    <div className="notice notice-bad" role="alert">
      <p className="notice-title">{isUnknown ? 'Whether that has happened is not known' : title}</p>
      <p>
        {error.message} {advice ?? (isUnknown ? UNKNOWN : ADVICE[error.code]) ?? error.hint}
      </p>
      {error.resetAt !== undefined && (
        <p>
          From {formatWhen(error.resetAt)} on you can begin anew here. Until then any device that
          you find again can stop it.
        </p>
      )}
      <p className="small">
        <code>{error.code}</code>
      </p>
    </div>
  );
}
