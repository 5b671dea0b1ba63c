'use client';

import { type PzkError, useEnroll, usePasskeySupport, useSession } from '@pzk-auth/react-hooks';
import { type FormEvent, useRef } from 'react';

const RUNNING: Readonly<Record<string, string>> = {
  challenge: 'Asking the server for a challenge.',
  passkey: 'Your browser asks for the passkey.',
  'creating-passkey': 'Your browser asks to create a passkey.',
  'confirming-passkey': 'Once more, to see that the passkey gives the same secret again.',
  decrypting: 'Opening the vault on this device.',
  sealing: 'Encrypting the key under the passkey.',
  proving: 'Making the proof in a worker.',
  exchanging: 'Exchanging the proof for a token.',
};

function Failure({ title, error }: { title: string; error: PzkError }) {
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{title}</strong> <code>{error.code}</code>
      </p>
      <p>{error.hint ?? error.message}</p>
    </div>
  );
}

/** Enrols, signs in and out. */
export function SessionPanel() {
  const session = useSession();
  const enrollment = useEnroll();
  const support = usePasskeySupport();
  const field = useRef<HTMLInputElement>(null);

  function submit(event: FormEvent) {
    event.preventDefault();
    const input = field.current;
    if (input === null) return;
    const apiKey = input.value;
    // The key stays out of React's state, and does not stay in the field.
    input.value = '';
    enrollment.reset();
    void enrollment.enroll({ apiKey, user: { name: 'weather-desk', displayName: 'Weather desk' } });
  }

  const running = RUNNING[enrollment.status] ?? RUNNING[session.status];
  if (running !== undefined) {
    return (
      <section className="panel" aria-labelledby="session-title">
        <h2 id="session-title">Signing in</h2>
        <div className="stack">
          <p role="status">{running}</p>
          <button
            type="button"
            onClick={() => {
              enrollment.abort();
              session.abort();
            }}
          >
            Cancel
          </button>
        </div>
      </section>
    );
  }
  if (session.status === 'active') {
    return (
      <section className="panel" aria-labelledby="session-title">
        <h2 id="session-title">Signed in</h2>
        <div className="stack">
          <p className="hint">
            The token in this page works only with a key pair that no script can read.
          </p>
          <button type="button" onClick={() => void session.signOut()}>
            Sign out
          </button>
        </div>
      </section>
    );
  }
  return (
    <section className="panel" aria-labelledby="session-title">
      <h2 id="session-title">Sign in</h2>
      {support.status === 'unsupported' && (
        <p className="notice" role="alert">
          This browser lacks what the sign-in needs. Try a current one, with a passkey.
        </p>
      )}
      {enrollment.status === 'failed' && (
        <Failure title="This device was not enrolled." error={enrollment.error} />
      )}
      {session.status === 'failed' && (
        <Failure title="There is no session." error={session.error} />
      )}
      <div className="two-ways">
        <form onSubmit={submit} className="stack">
          <h3>First time on this device</h3>
          <p>
            <label htmlFor="api-key">API key</label>
            <input
              ref={field}
              id="api-key"
              type="password"
              required
              autoComplete="off"
              spellCheck={false}
              placeholder="pzk_…"
              aria-describedby="api-key-hint"
            />
          </p>
          <p id="api-key-hint" className="hint">
            The terminal shows it. A passkey is made for it next.
          </p>
          <button type="submit" className="primary">
            Enrol this device
          </button>
        </form>
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
            onClick={() => void session.start()}
          >
            Sign in with the passkey
          </button>
        </div>
      </div>
    </section>
  );
}
