'use client';

import { usePzkFetch, useSession } from '@pzk-auth/react-hooks';
import { useState } from 'react';

/** Calls the protected route handlers. */
export function CallPanel() {
  const session = useSession();
  const pzkFetch = usePzkFetch();
  const [answer, setAnswer] = useState('');
  const inactive = session.status !== 'active';

  async function read(path: string, send: typeof fetch): Promise<void> {
    try {
      const response = await send(path);
      setAnswer(
        `GET ${path}: ${response.status}\n${JSON.stringify(await response.json(), null, 2)}`,
      );
    } catch (error) {
      setAnswer(`GET ${path}: ${error instanceof Error ? error.message : 'failed'}`);
    }
  }

  return (
    <section className="panel" aria-labelledby="call-title">
      <h2 id="call-title">Call the API</h2>
      <div className="stack">
        <p className="buttons">
          <button
            type="button"
            className="primary"
            disabled={inactive}
            onClick={() => void read('/api/weather', pzkFetch)}
          >
            Read the weather
          </button>
          <button
            type="button"
            disabled={inactive}
            onClick={() => void read('/api/stations/summit', pzkFetch)}
          >
            Ask the summit
          </button>
          <button type="button" onClick={() => void read('/api/weather', fetch)}>
            Call with the cookie alone
          </button>
        </p>
        <pre role="status">{answer}</pre>
      </div>
    </section>
  );
}
