import {
  type ActivityEntry,
  useReleases,
  useVault,
  type VerifiedReceipt,
} from '@pzk-auth/react-hooks';
import { useEffect, useState } from 'react';
import { downloadJson } from './download-json.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatCount, formatWhen } from './format.js';
import { shortId } from './member-name.js';
import { Page } from './page.js';
import { VaultGate } from './vault-gate.js';

/** `vault_opened` as `Vault opened`. */
function describeType(type: string): string {
  const words = type.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Names by id, where the vault is open and has them. */
interface Names {
  readonly slot: (id: string) => string;
  readonly agent: (id: string) => string;
}

function describeSubject(entry: ActivityEntry, names: Names): string {
  const parts = [
    entry.slot === undefined ? '' : names.slot(entry.slot),
    entry.agent === undefined ? '' : names.agent(entry.agent),
    entry.recipient === undefined ? '' : `device ${shortId(entry.recipient)}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function Trail() {
  const { readActivity } = useReleases();
  const vault = useVault();
  const [entries, setEntries] = useState<readonly ActivityEntry[]>();
  const [more, setMore] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  async function read(known: readonly ActivityEntry[]): Promise<void> {
    const last = known.at(-1);
    // Times are whole seconds: the last one is asked for again, and what is known is left out.
    const ended = await readActivity(last === undefined ? undefined : last.at + 1);
    setFailure(failureOf(ended));
    if (ended.status !== 'done') return;
    const fresh = ended.value.filter(({ id }) => known.every((one) => one.id !== id));
    setEntries([...known, ...fresh]);
    setMore(fresh.length > 0 && ended.value.length >= 100);
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page opens
  useEffect(() => {
    void read([]);
  }, []);

  const { slots, agents } = vault.status === 'open' ? vault : { slots: [], agents: [] };
  const names: Names = {
    slot: (id) => slots.find((one) => one.id === id)?.name || `key ${shortId(id)}`,
    agent: (id) => agents.find((one) => one.id === id)?.name ?? `agent ${shortId(id)}`,
  };

  return (
    <section className="stack" aria-labelledby="trail-title">
      <h2 id="trail-title">As the platform has logged it</h2>
      {failure !== undefined && (
        <ErrorNotice title="The log cannot be read" error={failure.error} />
      )}
      {entries !== undefined && (
        // Wide tables scroll; the keyboard has to reach them.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <section className="table-card" aria-label="Log" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col">On what</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td className="nowrap">{formatWhen(entry.at)}</td>
                  <td>{describeType(entry.type)}</td>
                  <td>{describeSubject(entry, names)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {more && (
        <div className="buttons">
          <button type="button" onClick={() => void read(entries ?? [])}>
            Show more
          </button>
        </div>
      )}
    </section>
  );
}

/** Receipts are what the platform can neither make nor drop. */
function Receipts() {
  const { verifyReceipts, exportReceipts } = useReleases();
  const [receipts, setReceipts] = useState<readonly VerifiedReceipt[]>();
  const [head, setHead] = useState<string>();
  const [failure, setFailure] = useState<Failure>();

  async function download(): Promise<void> {
    const ended = await exportReceipts();
    setFailure(failureOf(ended));
    if (ended.status !== 'done') return;
    downloadJson('receipts.json', ended.value.document);
    setHead(ended.value.head);
  }

  async function verify(): Promise<void> {
    setReceipts(undefined);
    const ended = await verifyReceipts();
    setFailure(failureOf(ended));
    if (ended.status === 'done') setReceipts(ended.value);
  }

  return (
    <div className="card stack">
      <p>
        Each approval left a receipt that your passkey signed. Your vault names the last of them, so
        none can be changed or left out.
      </p>
      <div className="buttons">
        <button type="button" onClick={() => void verify()}>
          Verify the receipts
        </button>
        <button type="button" onClick={() => void download()}>
          Download the receipts
        </button>
        <span role="status">
          {receipts !== undefined && `${formatCount(receipts.length, 'receipt')}, all in order.`}
        </span>
      </div>
      {failure !== undefined && (
        <ErrorNotice title="The receipts are not in order" error={failure.error} />
      )}
      {head !== undefined && head !== '' && (
        <div className="stack-tight">
          <p>
            Anybody can check the file without this platform. Keep the hash of its last receipt
            apart from it:
          </p>
          <code>npx @pzk-auth/cli audit verify --receipts receipts.json --head {head}</code>
        </div>
      )}
      {receipts !== undefined && receipts.length > 0 && (
        <ul className="stack-tight">
          {receipts.map(({ hash, agent, request }) => (
            <li key={hash}>
              {agent.name}: {request.purpose} (<code>{request.host}</code>)
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What happened. */
export function ActivityPage() {
  return (
    <Page title="Activity" lead="What was done with your vault, and by whom.">
      <VaultGate why="With it open, names show in place of ids, and receipts can be checked.">
        <Receipts />
      </VaultGate>
      <Trail />
    </Page>
  );
}
