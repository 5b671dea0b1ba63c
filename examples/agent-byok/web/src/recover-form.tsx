import { useRecovery } from '@pzk-auth/react-hooks';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { PASSKEY_USER } from './passkey-user.js';
import { useVaultQuestions } from './vault-questions.js';

/** Props of {@link RecoverForm}. */
export interface RecoverFormProps {
  readonly onCancel: () => void;
  /** This browser has a passkey of the vault now: sign in with it. */
  readonly onRecovered: () => void;
}

/** Opens the vault with the recovery code, in a browser that has nothing else. */
export function RecoverForm({ onCancel, onRecovered }: RecoverFormProps) {
  const { recover } = useRecovery();
  const questions = useVaultQuestions();
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  // The button that was pressed is gone.
  useEffect(() => field.current?.focus(), []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get('code'));
    setBusy(true);
    setFailure(undefined);
    const ended = await recover({ code, user: PASSKEY_USER, ...questions });
    setBusy(false);
    setFailure(failureOf(ended));
    if (ended.status === 'done') onRecovered();
  }

  return (
    <form className="stack" autoComplete="off" onSubmit={(event) => void submit(event)}>
      <div>
        <label htmlFor={id}>Recovery code</label>
        <textarea ref={field} id={id} name="code" required spellCheck={false} autoComplete="off" />
      </div>
      {busy && <p role="status">Your browser asks for a passkey. Follow what it says.</p>}
      {failure !== undefined && (
        <ErrorNotice isChange title="The vault was not opened" error={failure.error} />
      )}
      <button type="submit" className="primary" disabled={busy}>
        Open my vault
      </button>
      <button type="button" disabled={busy} onClick={onCancel}>
        Back
      </button>
    </form>
  );
}
