import { usePzkFetch, useSession } from '@pzk-auth/react-hooks';
import { type FormEvent, useState } from 'react';
import { CallAnswer, type CallResult, readCallResult, readFailure } from './call-answer.js';
import { useDemo } from './demo-context.js';

/** Calls of the API with the session's token. */
export function CallsPanel() {
  const session = useSession();
  const pzkFetch = usePzkFetch();
  const { flow } = useDemo();
  const [result, setResult] = useState<CallResult>();
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState('');
  const inactive = session.status !== 'active';

  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<void> {
    setBusy(true);
    try {
      const send = () =>
        pzkFetch(path, {
          method,
          ...(body === undefined
            ? {}
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        });
      const action = () => readCallResult(method, path, send);
      setResult(await flow.track(7, `${method} ${path}`, action, ({ code }) => code === ''));
    } finally {
      setBusy(false);
    }
  }

  const file = () => call('POST', '/api/reports', { text: report });

  async function touchAndFile(): Promise<void> {
    const ended = await session.start();
    if (ended.status === 'active') await file();
    else if (ended.status === 'failed') setResult(readFailure('POST /api/reports', ended.error));
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    void file();
  }

  return (
    <section className="panel" aria-labelledby="calls-title">
      <h2 id="calls-title">Call the API</h2>
      <div className="stack">
        <p>
          <button
            type="button"
            className="primary"
            disabled={inactive || busy}
            onClick={() => void call('GET', '/api/weather')}
          >
            Read the weather
          </button>
        </p>
        <form onSubmit={submit} className="stack">
          <p>
            <label htmlFor="report">Report from your station</label>
            <input
              id="report"
              value={report}
              maxLength={280}
              required
              autoComplete="off"
              placeholder="Fog has lifted, 7 °C"
              onChange={(event) => setReport(event.target.value)}
            />
          </p>
          <p className="hint">
            Needs <code>weather:write</code> and a touch of the passkey in the last two minutes.
            After that the server asks for another one.
          </p>
          <button type="submit" disabled={inactive || busy}>
            File the report
          </button>
        </form>
        {inactive && <p className="hint">Sign in first.</p>}
        <div aria-live="polite">
          {result !== undefined && (
            <CallAnswer
              result={result}
              onTouch={inactive || busy ? undefined : () => void touchAndFile()}
            />
          )}
        </div>
      </div>
    </section>
  );
}
