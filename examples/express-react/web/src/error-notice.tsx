import type { PzkError, PzkErrorCode } from '@pzk-auth/client';

/** What to do about the failures that a visitor of this page can meet. */
const ADVICE: Partial<Record<PzkErrorCode, string>> = {
  passkey_cancelled: 'The key was not sent and nothing is used up. Try again whenever you like.',
  prf_unsupported:
    'This passkey cannot derive secrets (the PRF extension). Use the one of your device or of your password manager, or another browser.',
  prf_missing_at_get:
    'This authenticator promised a secret and then did not give it. Use another passkey or browser.',
  prf_mismatch: 'The passkey gave two different secrets, so nothing was stored. Use another one.',
  enrollment_refused:
    'This key has a device already. For another try, issue a new key in the section “The operator’s side”.',
  api_key_malformed: 'Copy the whole key from the terminal, from the prefix to the last character.',
  invalid_grant:
    'The server knows no such active key or device. If its data was deleted meanwhile, enrol again with a new key.',
  vault_missing: 'There is no vault for this passkey. Enrol with the API key first.',
  network_error: 'Is the server still running?',
  session_expired: 'Sign in with the passkey again.',
};

/** A failure with its advice. */
export function ErrorNotice({ title, error }: { title: string; error: PzkError }) {
  const advice = ADVICE[error.code] ?? error.hint;
  return (
    <div className="notice notice-bad" role="alert">
      <p className="notice-title">{title}</p>
      <p>
        {error.message} {advice === undefined ? null : advice}
      </p>
      <p>
        <code>{error.code}</code>
      </p>
    </div>
  );
}
