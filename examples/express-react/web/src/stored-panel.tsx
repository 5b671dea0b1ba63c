import { shorten } from './format.js';
import type { StoredTables } from './use-stored.js';

const TABLES: readonly { name: string; title: string; text: string }[] = [
  { name: 'accounts', title: 'Accounts', text: 'Random ids.' },
  {
    name: 'keys',
    title: 'API keys',
    text: 'A commitment for each key: enough to check a proof, of no use to make one.',
  },
  { name: 'devices', title: 'Devices', text: 'Public keys of passkeys.' },
  {
    name: 'vaults',
    title: 'Vaults',
    text: 'The API key, encrypted in the browser. The server has no key to open it.',
  },
  {
    name: 'signingKeys',
    title: 'Signing keys of tokens',
    text: 'Encrypted under a secret that is not in the store.',
  },
];

function flatten(row: object): readonly (readonly [string, string])[] {
  return Object.entries(row)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
}

function Row({ row }: { row: object }) {
  return (
    <dl className="row">
      {flatten(row).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <code>{shorten(value, 96)}</code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Props of {@link StoredPanel}. */
export interface StoredPanelProps {
  readonly tables: StoredTables | undefined;
  readonly onRefresh: () => void;
}

/** Every row of the demo's account. */
export function StoredPanel({ tables, onRefresh }: StoredPanelProps) {
  return (
    <section className="panel" aria-labelledby="stored-title">
      <h2 id="stored-title">What the server has stored</h2>
      <div className="stack">
        <p className="hint">
          Every row of this account. There is no API key here, and no hash of one that could be
          tried.
        </p>
        <div>
          {TABLES.map(({ name, title, text }) => {
            const rows = tables?.[name] ?? [];
            return (
              <details key={name} className="message" open={name === 'keys'}>
                <summary>
                  <span className="message-call">{title}</span>
                  <span className="message-size">
                    {rows.length} {rows.length === 1 ? 'row' : 'rows'}
                  </span>
                </summary>
                <p className="hint">{text}</p>
                {rows.map((row) => (
                  <Row key={JSON.stringify(row)} row={row} />
                ))}
              </details>
            );
          })}
        </div>
        <p>
          <button type="button" onClick={onRefresh}>
            Read it again
          </button>
        </p>
      </div>
    </section>
  );
}
