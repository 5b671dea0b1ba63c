import {
  type Approval,
  findProviderHint,
  type ReleaseInfo,
  type UseApprovals,
  useReleases,
  useVault,
} from '@pzk-auth/react-hooks';
import { type FormEvent, useId, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatCount, formatWhen } from './format.js';
import { KeepFocus } from './keep-focus.js';
import { Page } from './page.js';
import { describeTime, describeUses, termsOf } from './terms.js';
import { VaultGate } from './vault-gate.js';
import { useVaultQuestions } from './vault-questions.js';

/** What was sent may be out, also where the platform says that it has refused it. */
function adviceOf({ error }: Failure): { readonly advice?: string } {
  if (error.code !== 'release_undecided') return {};
  return {
    advice:
      'Your key may have been handed out, even if the platform says no. See what is in use, and whether the request still waits. If you do not trust the platform, rotate the key at its provider.',
  };
}

/** Props of {@link ApprovalCard}. */
interface ApprovalCardProps {
  readonly approval: Approval;
  /** Of the last try. */
  readonly failure: Failure | undefined;
  readonly approve: () => Promise<void>;
  readonly onReject: () => void;
}

/** Who asks for what, in words that come from the signed request and from the vault alone. */
function ApprovalCard({ approval, failure, approve, onReject }: ApprovalCardProps) {
  const { agent, slot, purpose, host, methods, header, term } = approval;
  const id = useId();
  const [busy, setBusy] = useState(false);
  const expected = findProviderHint(slot.provider);
  const isUsual = (part: 'name' | 'prefix') => {
    return expected.header === undefined || expected.header[part] === header[part];
  };

  async function confirm(): Promise<void> {
    setBusy(true);
    await approve();
    setBusy(false);
  }

  return (
    <li>
      <KeepFocus />
      <article className="card card-asks stack" aria-labelledby={id}>
        <div className="card-head">
          <h2 id={id}>
            {agent.name} asks for {slot.name || 'your key of this platform'}
          </h2>
          <span className="tag tag-ask">
            {term.kind === 'once' ? 'This time' : 'Standing approval'}
          </span>
        </div>
        <dl className="facts">
          <div className="fact fact-wide">
            <dt>Why, in the agent’s words</dt>
            <dd>{purpose}</dd>
          </div>
          <div className="fact">
            <dt>Only to this host</dt>
            <dd>
              <code>{host}</code>
            </dd>
          </div>
          <div className="fact">
            <dt>Kind of calls</dt>
            <dd>{methods.join(', ')}, to every path of it</dd>
          </div>
          <div className="fact">
            <dt>Your key goes into the header</dt>
            <dd>
              <code>
                {header.name}: {header.prefix}
              </code>
              your key
            </dd>
          </div>
          <div className="fact">
            <dt>How long</dt>
            <dd>{describeTime(approval)}</dd>
          </div>
          <div className="fact">
            <dt>How often</dt>
            <dd>{describeUses(approval)}</dd>
          </div>
        </dl>
        {expected.host !== undefined && expected.host !== host && (
          <div className="notice notice-ask">
            <p>
              Keys of this provider are usually for <code>{expected.host}</code>. Approve this host
              only if you know it.
            </p>
          </div>
        )}
        {!(isUsual('name') && isUsual('prefix')) && (
          <div className="notice notice-ask">
            <p>
              Keys of this provider usually go into <code>{expected.header?.name}</code>. In another
              header a host may log or pass them on: approve this only if you know why.
            </p>
          </div>
        )}
        {failure !== undefined && (
          <ErrorNotice
            isChange
            title="The key was not released"
            error={failure.error}
            {...adviceOf(failure)}
          />
        )}
        <div className="buttons">
          <button type="button" className="primary" disabled={busy} onClick={() => void confirm()}>
            Approve with the passkey
          </button>
          <button type="button" disabled={busy} onClick={onReject}>
            Reject
          </button>
        </div>
      </article>
    </li>
  );
}

/** Asks why a request is rejected; the agent reads it. */
function RejectDialog({
  approval,
  reject,
  onClose,
}: {
  readonly approval: Approval;
  readonly reject: UseApprovals['reject'];
  readonly onClose: () => void;
}) {
  const id = useId();
  const [failure, setFailure] = useState<Failure>();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get('reason')).trim();
    const failed = failureOf(await reject(approval, reason));
    setFailure(failed);
    if (failed === undefined) onClose();
  }

  return (
    <Dialog title={`Reject ${approval.agent.name}?`} onClose={onClose}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <div>
          <label htmlFor={id}>Reason, for the agent (optional)</label>
          <input id={id} name="reason" maxLength={200} />
        </div>
        {failure !== undefined && (
          <ErrorNotice isChange title="It was not rejected" error={failure.error} />
        )}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" className="danger">
            Reject
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** An approval that was refused, or whose answer was lost. */
type FailedApproval = { readonly id: string } & Failure;

interface WaitingProps {
  readonly approvals: UseApprovals;
  readonly failed: FailedApproval | undefined;
  readonly onApprove: (approval: Approval) => Promise<void>;
  readonly onReject: (approval: Approval) => void;
}

function Waiting({ approvals, failed, onApprove, onReject }: WaitingProps) {
  if (approvals.status === 'failed') {
    return <ErrorNotice title="Requests cannot be read" error={approvals.error} />;
  }
  if (approvals.status !== 'ready') return <p role="status">Asking what waits.</p>;
  return (
    <>
      {approvals.requests.length === 0 && (
        <div className="empty">
          <h2>Nothing waits for you</h2>
          <p className="hint">When an agent asks for a key, it shows here.</p>
        </div>
      )}
      {approvals.refused > 0 && (
        <p className="notice notice-bad">
          {formatCount(approvals.refused, 'request')} left out: not signed by an agent of yours, or
          not in order.
        </p>
      )}
      <ul className="stack" aria-label="Requests that wait">
        {approvals.requests.map((approval) => (
          <ApprovalCard
            key={approval.id}
            approval={approval}
            failure={failed?.id === approval.id ? failed : undefined}
            approve={() => onApprove(approval)}
            onReject={() => onReject(approval)}
          />
        ))}
      </ul>
    </>
  );
}

/** What became of a request that is over, for its user. */
const OUTCOMES: Readonly<Partial<Record<ReleaseInfo['status'], string>>> = {
  ended: 'Ended',
  rejected: 'You said no',
  cancelled: 'Taken back by the agent',
  expired: 'Nobody answered in time',
};

/** How many requests that are over show. */
const SHOWN = 5;

/** What agents may use right now, with a way to end it at once, and what became of the last requests. */
function Answered() {
  const releases = useReleases();
  const vault = useVault();
  const [failure, setFailure] = useState<Failure>();
  if (releases.status === 'failed') {
    return <ErrorNotice title="Releases cannot be read" error={releases.error} />;
  }
  const all = releases.status === 'ready' ? releases.releases : [];
  const current = all.filter(({ status }) => status === 'released');
  const over = all.filter(({ status }) => OUTCOMES[status] !== undefined).slice(0, SHOWN);
  const nameOf = ({ request }: ReleaseInfo) => {
    const slots = vault.status === 'open' ? vault.slots : [];
    return slots.find(({ id }) => id === request.slotId)?.name || 'A key';
  };
  return (
    <>
      {current.length > 0 && (
        <section className="stack" aria-labelledby="going-on">
          <h2 id="going-on">In use now</h2>
          {failure !== undefined && (
            <ErrorNotice isChange title="It was not ended" error={failure.error} />
          )}
          <ul className="rows">
            {current.map((release) => {
              const { request, uses, lastUsedAt } = release;
              const name = nameOf(release);
              return (
                <li className="row" key={request.requestId}>
                  <div className="row-text">
                    <p className="row-title">
                      {name} <span className="tag">{request.host}</span>
                      {request.ttl === 0 && <span className="tag tag-ask">Standing approval</span>}
                    </p>
                    <p className="hint small">
                      {describeUses(termsOf(release))}, {describeTime(termsOf(release))} ·{' '}
                      {formatCount(uses, 'call')} so far
                      {lastUsedAt !== undefined && <> · last {formatWhen(lastUsedAt)}</>}
                    </p>
                  </div>
                  <button
                    type="button"
                    className="danger"
                    aria-label={`End now: ${name}`}
                    onClick={() =>
                      void releases
                        .end(request.requestId)
                        .then((ended) => setFailure(failureOf(ended)))
                    }
                  >
                    End now
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      )}
      {over.length > 0 && (
        <section className="stack" aria-labelledby="over">
          <h2 id="over">Earlier requests</h2>
          <ul className="rows" aria-labelledby="over">
            {over.map((release) => {
              const { request, status, uses, at, endedAt } = release;
              return (
                <li className="row" key={request.requestId}>
                  <div className="row-text">
                    <p className="row-title">
                      {request.purpose} <span className="tag">{OUTCOMES[status]}</span>
                    </p>
                    <p className="hint small">
                      {nameOf(release)}, for {request.host}
                      {status === 'ended' && <> · {formatCount(uses, 'call')}</>} ·{' '}
                      {formatWhen(endedAt ?? at)}
                    </p>
                  </div>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}

/** What agents ask for, and what they were given. */
export function ApprovalsPage({ approvals }: { approvals: UseApprovals }) {
  const questions = useVaultQuestions();
  const [approved, setApproved] = useState<Approval>();
  const [failed, setFailed] = useState<FailedApproval>();
  const [rejecting, setRejecting] = useState<Approval>();
  const isReady = approvals.status === 'ready';
  const isWaiting = isReady && approvals.requests.some(({ id }) => id === failed?.id);

  async function approve(approval: Approval): Promise<void> {
    setApproved(undefined);
    setFailed(undefined);
    const ended = await approvals.approve(approval, questions);
    if (ended.status === 'done') setApproved(approval);
    const failure = failureOf(ended);
    setFailed(failure && { id: approval.id, ...failure });
  }

  return (
    <Page
      title="Approvals"
      lead="Agents ask here. A key goes to the agent’s broker, for what you approve and nothing else."
    >
      {/* Not within the gate: where an answer was lost, the vault is locked. */}
      <div role="status">
        {approved !== undefined && (
          <p className="notice notice-good">
            {approved.agent.name} may use {approved.slot.name || 'your key of this platform'} now.
            What it does with it shows under <a href="#/tasks">Tasks</a>.
          </p>
        )}
      </div>
      {failed !== undefined && !isWaiting && (
        <ErrorNotice
          isChange
          title={
            isReady ? 'The request is over, and no key was released' : 'The key was not released'
          }
          error={failed.error}
          {...adviceOf(failed)}
        />
      )}
      <VaultGate why="Who asks, and for what, is read with the vault and not in the platform’s words.">
        <Waiting
          approvals={approvals}
          failed={failed}
          onApprove={approve}
          onReject={setRejecting}
        />
      </VaultGate>
      <Answered />
      {/* Not within the gate: a reason is not lost when the vault is locked meanwhile. */}
      {rejecting !== undefined && (
        <RejectDialog
          approval={rejecting}
          reject={approvals.reject}
          onClose={() => setRejecting(undefined)}
        />
      )}
    </Page>
  );
}
