import { useState } from 'react';
import type { StoredTables } from './use-stored.js';

function activeDevice(tables: StoredTables | undefined): string | undefined {
  const devices = (tables?.devices ?? []) as readonly { id: string; revokedAt?: number }[];
  return devices.findLast(({ revokedAt }) => revokedAt === undefined)?.id;
}

/** Props of {@link OperatorPanel}. */
export interface OperatorPanelProps {
  readonly tables: StoredTables | undefined;
  readonly onChange: () => void;
}

/** What the API's operator can do. An application would keep these routes to itself. */
export function OperatorPanel({ tables, onChange }: OperatorPanelProps) {
  const [said, setSaid] = useState('');
  const device = activeDevice(tables);

  async function post(path: string, body: object, done: string): Promise<void> {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch(() => undefined);
    setSaid(response?.ok ? done : 'That did not work. Is the server still running?');
    onChange();
  }

  return (
    <section className="panel" aria-labelledby="operator-title">
      <h2 id="operator-title">The operator’s side</h2>
      <div className="stack">
        <p className="hint">Only in this demo can a page do these. The terminal shows a new key.</p>
        <p className="buttons">
          <button
            type="button"
            disabled={device === undefined}
            onClick={() =>
              void post(
                '/demo/revoke-device',
                { device },
                'The device is revoked. Its token and its sessions ended with it: try a call.',
              )
            }
          >
            Revoke this device
          </button>
          <button
            type="button"
            onClick={() => void post('/demo/keys', {}, 'A new key stands on the terminal.')}
          >
            Issue a new key
          </button>
        </p>
        <p role="status">{said}</p>
      </div>
    </section>
  );
}
