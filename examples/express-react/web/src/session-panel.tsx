import { useEnroll, usePasskeySupport, useSession } from '@pzk-auth/react-hooks';
import { useEffect, useRef, useState } from 'react';
import { useDemo } from './demo-context.js';
import { ErrorNotice } from './error-notice.js';
import { KeyForm } from './key-form.js';
import { SignedIn } from './signed-in.js';

const RUNNING_TEXT: Readonly<Record<string, string>> = {
  challenge: 'Asking the server for a challenge.',
  passkey: 'Your browser asks for the passkey.',
  'creating-passkey': 'Your browser asks to create a passkey.',
  'confirming-passkey': 'Once more, to see that the passkey gives the same secret again.',
  decrypting: 'Opening the vault on this device.',
  sealing: 'Encrypting the key under the passkey.',
  proving: 'Making the proof in a worker.',
  exchanging: 'Exchanging the proof for a token.',
};

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

/** Signs in and out. It stays mounted all the time, since its unmount would abort a ceremony. */
export function SessionPanel() {
  const session = useSession();
  const enroll = useEnroll();
  const { flow } = useDemo();
  const heading = useRef<HTMLHeadingElement>(null);
  const [said, setSaid] = useState('');

  async function resume(): Promise<void> {
    enroll.reset();
    const { status } = await session.resume();
    setSaid(status === 'signed-out' ? 'There is no session to go on with. Use the passkey.' : '');
  }

  function start(): void {
    enroll.reset();
    setSaid('');
    void session.start();
  }

  // A fresh touch for an active session has its steps beside it.
  const signingIn = (session.status === 'active' && session.stepUp) || session;
  const ceremony = RUNNING_TEXT[enroll.status] ? enroll : signingIn;
  const runningText = RUNNING_TEXT[ceremony.status];
  const view =
    runningText !== undefined
      ? 'running'
      : session.status === 'active'
        ? 'signed-in'
        : 'signed-out';

  // Where the button that had the focus is gone with the view before, the heading takes it.
  const shown = useRef(view);
  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    if (document.activeElement === document.body) heading.current?.focus();
  }, [view]);

  const titles = { running: 'Signing in', 'signed-in': 'Signed in', 'signed-out': 'Sign in' };

  return (
    <section className="panel" aria-labelledby="session-title">
      <h2 id="session-title" ref={heading} tabIndex={-1}>
        {titles[view]}
      </h2>
      {view === 'running' && (
        <div className="stack">
          <p role="status">{runningText}</p>
          {ceremony.status === 'proving' && (
            <progress aria-label="Proof" max={1} value={ceremony.progress} />
          )}
          <button
            type="button"
            onClick={() => {
              enroll.abort();
              session.abort();
            }}
          >
            Cancel
          </button>
        </div>
      )}
      {session.status === 'active' && view === 'signed-in' && (
        <SignedIn
          session={session}
          onRenew={() => void session.renew()}
          onSignOut={() =>
            void flow.track(8, 'signed out', session.signOut, (end) => end.status === 'signed-out')
          }
        />
      )}
      {view === 'signed-out' && (
        <>
          <SupportNotice />
          {enroll.status === 'failed' && (
            <ErrorNotice title="This device was not enrolled" error={enroll.error} />
          )}
          {session.status === 'failed' && (
            <ErrorNotice title="There is no session" error={session.error} />
          )}
          <div className="two-ways">
            <KeyForm enroll={enroll} busy={false} />
            <div className="stack">
              <h3>Enrolled already</h3>
              <p className="hint">
                The key rests in the vault, under your passkey. One touch is enough.
              </p>
              <button
                type="button"
                className="primary"
                onPointerEnter={session.warmUp}
                onFocus={session.warmUp}
                onClick={start}
              >
                Sign in with the passkey
              </button>
              <p className="hint">
                After a reload, a session of less than an hour goes on without a touch.
              </p>
              <button type="button" onClick={() => void resume()}>
                Resume the session
              </button>
              <p role="status">{said}</p>
            </div>
          </div>
        </>
      )}
    </section>
  );
}
