import { useSession } from '@pzk-auth/react-hooks';
import { useState, useSyncExternalStore } from 'react';
import { type AttackResult, callWithoutKey, replayExchange } from './attacks.js';
import { useDemo } from './demo-context.js';

/** Two things that an attacker would try, and how the server takes them. */
export function AttacksPanel() {
  const { wire } = useDemo();
  const active = useSession().status === 'active';
  const { lastExchange, accessToken } = useSyncExternalStore(wire.subscribe, wire.getSnapshot);
  const [results, setResults] = useState<readonly AttackResult[]>([]);
  const [failure, setFailure] = useState('');

  async function run(attempt: () => Promise<readonly AttackResult[]>): Promise<void> {
    setFailure('');
    try {
      setResults(await attempt());
    } catch {
      setResults([]);
      setFailure('There was no answer. Is the server still running?');
    }
  }

  return (
    <section className="panel" aria-labelledby="attacks-title">
      <h2 id="attacks-title">Try to misuse it</h2>
      <div className="stack">
        <p className="hint">
          Suppose somebody recorded all that this page sent, or found the token in a log.
        </p>
        <p className="buttons">
          <button
            type="button"
            disabled={lastExchange === undefined}
            onClick={() => lastExchange && void run(() => replayExchange(lastExchange, wire.fetch))}
          >
            Replay the last exchange
          </button>
          <button
            type="button"
            disabled={!active || accessToken === undefined}
            onClick={() => accessToken && void run(() => callWithoutKey(accessToken, wire.fetch))}
          >
            Use the token without its key
          </button>
        </p>
        {!active && (
          <p className="hint">
            {lastExchange === undefined
              ? 'Sign in first.'
              : 'The token ended with its session. Sign in for another one.'}
          </p>
        )}
        <div aria-live="polite" className="stack">
          {failure !== '' && <p className="notice notice-bad">{failure}</p>}
          {results.map(({ title, refused, status, code, text, why }) => (
            <div key={title} className={`notice ${refused ? 'notice-good' : 'notice-bad'}`}>
              <p className="notice-title">
                {title}: {refused ? 'refused' : 'accepted'}
              </p>
              <p>
                {status} <code>{code}</code> {text}
              </p>
              {refused && <p>{why}</p>}
            </div>
          ))}
        </div>
      </div>
    </section>
  );
}
