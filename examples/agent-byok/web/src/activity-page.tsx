import {
  type ActivityEntry,
  useDevices,
  useReleases,
  useVault,
  type VerifiedReceipt,
} from '@pzk-auth/react-hooks';
import { useEffect, useState } from 'react';
import { CopyButton } from './copy-button.js';
import { describeActivity, type Names } from './describe-activity.js';
import { downloadJson } from './download-json.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatCount, formatWhen } from './format.js';
import { memberName, shortId } from './member-name.js';
import { Page } from './page.js';
import { VaultGate } from './vault-gate.js';

/** Names as the open vault has them; else the beginnings of ids. */
function useNames(): Names {
  const vault = useVault();
  const devices = useDevices();
  const known = devices.status === 'ready' ? devices.devices : [];
  const { slots, agents, members } =
    vault.status === 'open' ? vault : { slots: [], agents: [], members: undefined };
  // The platform knows no names: those of what was removed are gone with it.
  const unnamed = (what: string, id: string) =>
    `${what}${shortId(id)}${members === undefined ? '' : ' (removed)'}`;
  const nameMember = (id: string) => {
    const member = members?.find((one) => one.id === id);
    if (member === undefined) return unnamed('', id);
    return member.own ? `${memberName(member)}, this one` : memberName(member);
  };
  return {
    slot: (id) => {
      const slot = slots.find((one) => one.id === id);
      if (slot?.kind === 'names') return 'the names of your devices';
      return slot === undefined ? unnamed('key ', id) : slot.name || `key ${shortId(id)}`;
    },
    agent: (id) => agents.find((one) => one.id === id)?.name ?? unnamed('agent ', id),
    member: nameMember,
    device(id) {
      if (members === undefined) return 'one of your devices';
      const credential = known.find((one) => one.id === id)?.credentialId;
      const member = members.find(({ credentialId }) => credentialId === credential);
      return credential === undefined || member === undefined
        ? 'a device that is not in the vault'
        : nameMember(member.id);
    },
  };
}

function EntryRow({ entry, names }: { entry: ActivityEntry; names: Names }) {
  const described = describeActivity(entry, names);
  if (described === undefined) return null;
  const { what, subject, by } = described;
  return (
    <li className="row row-dense">
      <p>
        <strong>{what}</strong>
        {subject !== '' && <>: {subject}</>}
      </p>
      <p className="hint small">
        {formatWhen(entry.at)}
        {by !== '' && <> · by {by}</>}
      </p>
    </li>
  );
}

function Trail() {
  const { readActivity } = useReleases();
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

  const names = useNames();

  return (
    <section className="stack" aria-labelledby="trail-title">
      <h2 id="trail-title">As the platform has logged it</h2>
      <p className="hint small">
        Without renewals of tokens and the single steps of writing and pairing.
      </p>
      {failure !== undefined && (
        <ErrorNotice title="The log cannot be read" error={failure.error} />
      )}
      {entries !== undefined && (
        <ul className="rows" aria-label="Log">
          {entries.map((entry) => (
            <EntryRow key={entry.id} entry={entry} names={names} />
          ))}
        </ul>
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
  const [failure, setFailure] = useState<Partial<Failure> & { readonly title: string }>();

  const command = `npm run pzk-auth -- audit verify --receipts receipts.json --head ${head}`;

  async function download(): Promise<void> {
    const ended = await exportReceipts();
    setFailure({ title: 'The receipts were not downloaded', ...failureOf(ended) });
    if (ended.status !== 'done') return;
    downloadJson('receipts.json', ended.value.document);
    setHead(ended.value.head);
  }

  async function verify(): Promise<void> {
    setReceipts(undefined);
    const ended = await verifyReceipts();
    setFailure({ title: 'The receipts are not in order', ...failureOf(ended) });
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
      {failure?.error !== undefined && <ErrorNotice title={failure.title} error={failure.error} />}
      {head !== undefined && head !== '' && (
        <div className="stack-tight">
          <p>
            Anybody can check the file without this platform. Keep the hash of its last receipt
            apart from it. Here, run this in the directory of the example, with the path of the
            file:
          </p>
          <code>{command}</code>
          <CopyButton label="Copy the command" text={command} />
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
