import { useDevices, useSession } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatWhen } from './format.js';
import { PASSKEY_USER } from './passkey-user.js';
import { RunningNotice } from './running-notice.js';
import { useVaultQuestions } from './vault-questions.js';

/** Props of {@link JoinPage}. */
export interface JoinPageProps {
  /** The fragment of the link that the page was opened with. */
  readonly invitation: string;
  readonly onLeave: () => void;
}

interface SwitchQuestionProps {
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** Asks whether this browser is to open another vault than it does: the link may be a stranger's. */
function SwitchQuestion({ onYes, onNo }: SwitchQuestionProps) {
  return (
    <>
      <div className="notice notice-ask" role="alert">
        <p className="notice-title">This browser opens another vault already</p>
        <p>
          If you go on, it opens the one of this link from now on. Whoever sent you the link can
          read every key that you add there. Go on only if you made the link yourself, on another
          device of yours.
        </p>
      </div>
      <button type="button" className="primary" onClick={onNo}>
        No, keep my vault
      </button>
      <button type="button" className="danger" onClick={onYes}>
        Yes, I made this link: open that vault here
      </button>
    </>
  );
}

/** What the browser of a second device sees that was opened with an invitation. */
export function JoinPage({ invitation, onLeave }: JoinPageProps) {
  const { join } = useDevices();
  const session = useSession();
  const questions = useVaultQuestions();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [until, setUntil] = useState<number>();
  const running = RunningNotice.find(session);

  async function begin(switchVault = false): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    const ended = await join({ code: invitation, user: PASSKEY_USER, switchVault });
    setBusy(false);
    setFailure(failureOf(ended));
    if (ended.status === 'done') setUntil(ended.value);
  }

  async function signIn(): Promise<void> {
    const { status } = await session.start(questions);
    if (status === 'active') onLeave();
  }

  return (
    <main className="gate">
      <p className="brand">
        <img src="/icon.svg" alt="" /> Errand
      </p>
      <h1>Open your vault on this device, too.</h1>
      <section className="card stack" aria-label="Join">
        {until === undefined ? (
          <>
            <p>
              You were invited from a device that opens your vault already. This one gets a passkey
              of its own; then the other asks you whether to let it in.
            </p>
            {busy && <p role="status">Your browser asks for a passkey. Follow what it says.</p>}
            {failure?.error.code === 'vault_switch_required' ? (
              <SwitchQuestion onYes={() => void begin(true)} onNo={onLeave} />
            ) : (
              <>
                {failure !== undefined && (
                  <ErrorNotice isChange title="This device has not joined" error={failure.error} />
                )}
                <button
                  type="button"
                  className="primary"
                  disabled={busy}
                  onClick={() => void begin()}
                >
                  Make a passkey here
                </button>
                <button type="button" disabled={busy} onClick={onLeave}>
                  Not now
                </button>
              </>
            )}
          </>
        ) : running ? (
          <RunningNotice {...running} onCancel={session.abort} />
        ) : (
          <>
            <p role="status">
              Now look at your other device and let this one in, before {formatWhen(until)}. Then
              sign in here.
            </p>
            {session.status === 'failed' &&
              (session.error.code === 'invalid_grant' ? (
                <p className="notice notice-ask" role="alert">
                  Your other device has not let this one in yet.
                </p>
              ) : (
                <ErrorNotice title="You are not signed in" error={session.error} />
              ))}
            <button type="button" className="primary" onClick={() => void signIn()}>
              Sign in
            </button>
          </>
        )}
      </section>
    </main>
  );
}
