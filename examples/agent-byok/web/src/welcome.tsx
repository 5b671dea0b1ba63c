import { usePasskeySupport, useSession } from '@pzk-auth/react-hooks';
import { useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { ErrorNotice } from './error-notice.js';
import { RecoverForm } from './recover-form.js';
import { RunningNotice } from './running-notice.js';
import { useSignUp } from './use-sign-up.js';
import { useVaultQuestions } from './vault-questions.js';

function SupportNotice() {
  const support = usePasskeySupport();
  if (support.status !== 'unsupported') return null;
  return (
    <div className="notice notice-bad">
      <p className="notice-title">This browser cannot take part</p>
      {support.capabilities
        .filter(({ required, state }) => required && state === 'unavailable')
        .map(({ capability, advice }) => (
          <p key={capability}>{advice}</p>
        ))}
    </div>
  );
}

/** What a visitor sees who is not signed in. It stays mounted while a ceremony of it runs. */
export function Welcome() {
  const session = useSession();
  const questions = useVaultQuestions();
  const { enroll, refused, signUp } = useSignUp();
  const [recovering, setRecovering] = useState(false);
  /** What was tried last: a failure of the other is no news. */
  const [signingUp, setSigningUp] = useState(false);
  const recover = useRef<HTMLButtonElement>(null);
  const running = RunningNotice.find(enroll) ?? RunningNotice.find(session);

  function signIn(): void {
    enroll.reset();
    setSigningUp(false);
    void session.start({ anyPasskey: true, ...questions });
  }

  return (
    <main className="gate">
      <p className="brand">
        <img src="/icon.svg" alt="" /> Errand
      </p>
      <h1>Your agents, on your own keys.</h1>
      <p className="hint">
        Bring the API keys of the services you pay for. They are encrypted in this browser under
        your passkey. An agent gets one for a task when you say yes, and never holds it.
      </p>
      <section className="card stack" aria-label="Sign in">
        {running ? (
          <RunningNotice
            text={running.text}
            progress={running.progress}
            onCancel={() => {
              enroll.abort();
              session.abort();
            }}
          />
        ) : recovering ? (
          <RecoverForm
            onCancel={() => {
              flushSync(() => setRecovering(false));
              recover.current?.focus();
            }}
            onRecovered={() => {
              setRecovering(false);
              void session.start(questions);
            }}
          />
        ) : (
          <>
            <SupportNotice />
            {refused && (
              <div className="notice notice-bad" role="alert">
                <p className="notice-title">There is no account yet</p>
                <p>The server did not answer as it should. Try again in a moment.</p>
              </div>
            )}
            {enroll.status === 'failed' && (
              <ErrorNotice title="There is no account yet" error={enroll.error} />
            )}
            {session.status === 'failed' && !signingUp && (
              <ErrorNotice title="You are not signed in" error={session.error} />
            )}
            <button
              type="button"
              className="primary"
              onPointerEnter={session.warmUp}
              onFocus={session.warmUp}
              onClick={() => {
                setSigningUp(true);
                void signUp();
              }}
            >
              Sign up with a passkey
            </button>
            <p className="divider">or</p>
            <button
              type="button"
              onPointerEnter={session.warmUp}
              onFocus={session.warmUp}
              onClick={signIn}
            >
              Sign in
            </button>
            <button ref={recover} type="button" onClick={() => setRecovering(true)}>
              Use a recovery code
            </button>
            <p className="hint small">No password, no e-mail address. Your device asks for you.</p>
          </>
        )}
      </section>
    </main>
  );
}
