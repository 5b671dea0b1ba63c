import { usePzkFetch, useSession } from '@pzk-auth/react-hooks';
import { type FormEvent, useRef, useState } from 'react';
import { CallAnswer, type CallResult, readCallResult, readFailure } from './call-answer.js';
import { useDemo } from './demo-context.js';

/** Calls of the API with the session's token. */
export function CallsPanel() {
  const session = useSession();
  const pzkFetch = usePzkFetch();
  const { flow } = useDemo();
  const [result, setResult] = useState<CallResult>();
  // Not a state that disables the button: the focus would be lost with it.
  const busy = useRef(false);
  const answer = useRef<HTMLDivElement>(null);
  const [report, setReport] = useState('');
  const inactive = session.status !== 'active';

  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<void> {
    if (busy.current) return;
    busy.current = true;
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
      busy.current = false;
    }
  }

  const file = () => call('POST', '/api/reports', { text: report });

  async function touchAndFile(): Promise<void> {
    const ended = await session.start();
    // The button goes with the question that it answers.
    answer.current?.focus();
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
            disabled={inactive}
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
          <button type="submit" disabled={inactive}>
            File the report
          </button>
        </form>
        {inactive && <p className="hint">Sign in first.</p>}
        <div aria-live="polite" ref={answer} tabIndex={-1}>
          {result !== undefined && (
            <CallAnswer result={result} onTouch={() => void touchAndFile()} />
          )}
        </div>
      </div>
    </section>
  );
}
