import { useAgents, useVault, type VaultAgentInfo } from '@pzk-auth/react-hooks';
import { useEffect, useMemo, useState } from 'react';
import { CopyButton } from './copy-button.js';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { FormDialog } from './form-dialog.js';
import { formatCountdown, formatWhen } from './format.js';
import { shortId } from './member-name.js';
import { Page } from './page.js';
import { type KeyChange, useKeyChange } from './use-key-change.js';
import { useSeconds } from './use-seconds.js';
import type { AgentDescription } from './use-tasks.js';
import { VaultGate } from './vault-gate.js';
import { useVaultQuestions } from './vault-questions.js';

const PAIRING_CODE = /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/;

/** What goes into a shell is made here: of a platform's text anything could follow. */
function pairCommand(hasOwnUser: boolean, code: string): string {
  if (!PAIRING_CODE.test(code)) throw new TypeError('This is no code of a pairing.');
  const program = hasOwnUser ? 'sudo -u pzk-broker pzk-broker pair' : 'npm run pair --';
  return `${program} --issuer ${location.origin} --code ${code}`;
}

/** Props of {@link Code}. */
interface CodeProps {
  readonly code: string;
  readonly expiresAt: number;
  readonly hasOwnUser: boolean;
}

function Code({ code, expiresAt, hasOwnUser }: CodeProps) {
  const now = useSeconds(true);
  const line = pairCommand(hasOwnUser, code);
  return (
    <>
      <p>Run this where the agent’s broker runs:</p>
      <code className="secret-value">{line}</code>
      <CopyButton label="Copy the command" text={line} />
      <p className="hint small">
        Waiting for the broker. Ends in{' '}
        <span role="timer">{formatCountdown(expiresAt - now / 1000)}</span>.
      </p>
    </>
  );
}

/** Pairs an agent: a code to the broker, then the same words on both sides. */
function PairDialog({ hasOwnUser, onClose }: { hasOwnUser: boolean; onClose: () => void }) {
  const { pairing, pair, confirmPairing, dismissPairing } = useAgents();
  const questions = useVaultQuestions();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  useEffect(() => {
    void pair();
    return dismissPairing;
  }, [pair, dismissPairing]);

  async function confirm(): Promise<void> {
    setBusy(true);
    setFailure(failureOf(await confirmPairing(undefined, questions)));
    setBusy(false);
  }

  if (pairing.status === 'compare') {
    return (
      <Dialog title="Are these the words?" onClose={onClose}>
        <p>
          The broker calls itself <strong>{pairing.name}</strong>. It shows four words. Compare
          every one.
        </p>
        <ol className="words" aria-label="Words to compare">
          {pairing.words.map((word) => (
            <li className="word" key={word}>
              {word}
            </li>
          ))}
        </ol>
        {failure !== undefined && (
          <ErrorNotice isChange title="The agent was not paired" error={failure.error} />
        )}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            They differ
          </button>
          <button type="button" className="primary" disabled={busy} onClick={() => void confirm()}>
            They are the same
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Pair an agent" onClose={onClose}>
      {pairing.status === 'none' && <p role="status">Making a code.</p>}
      {pairing.status === 'waiting' && <Code {...pairing} hasOwnUser={hasOwnUser} />}
      {pairing.status === 'paired' && (
        <p role="status">It is paired. Say yes at the broker, too, and it can ask for keys.</p>
      )}
      {pairing.status === 'ended' && <p role="status">The pairing has ended. Start another one.</p>}
      {pairing.status === 'failed' && (
        <ErrorNotice title="The agent was not paired" error={pairing.error} />
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {pairing.status === 'waiting' ? 'Cancel' : 'Close'}
        </button>
      </div>
    </Dialog>
  );
}

function RemoveAgentDialog({ agent, onClose }: { agent: VaultAgentInfo; onClose: () => void }) {
  const { removeAgent } = useAgents();
  return (
    <FormDialog
      title={`Remove ${agent.name}?`}
      action="Remove it"
      danger
      onClose={onClose}
      onSubmit={async () => failureOf(await removeAgent(agent.id))?.error}
    >
      <p>It can ask for nothing more, and what it uses now is ended.</p>
    </FormDialog>
  );
}

/** Says that agents take nothing that the vault's new keys have signed. */
function PairAgainNotice({ change, agents }: { change: KeyChange; agents: readonly string[] }) {
  if (agents.every(change.isPaired)) return null;
  return (
    <div className="notice notice-ask">
      <p className="notice-title">Agents have to be paired again</p>
      <p>
        Your vault got new keys on {formatWhen(change.at)}. An agent that was paired before gets no
        key until its broker is paired again, by the command with <code>--replace</code> at its end.
        Take out those that nobody pairs again, above all any that you do not know.
      </p>
    </div>
  );
}

const NO_AGENTS: readonly VaultAgentInfo[] = [];

function AgentList({ onRemove }: { onRemove: (agent: VaultAgentInfo) => void }) {
  const vault = useVault();
  const agents = vault.status === 'open' ? vault.agents : NO_AGENTS;
  const ids = useMemo(() => agents.map(({ id }) => id), [agents]);
  const { change, failure } = useKeyChange(ids);
  if (vault.status !== 'open') return null;
  if (vault.agents.length === 0) {
    return (
      <div className="empty">
        <h2>No agent yet</h2>
        <p className="hint">Pair the one of this platform, and give it something to do.</p>
      </div>
    );
  }
  return (
    <>
      {failure !== undefined && (
        <ErrorNotice
          title="Whether agents have to be paired again is not known"
          error={failure.error}
        />
      )}
      {change !== undefined && <PairAgainNotice change={change} agents={ids} />}
      <ul className="rows" aria-label="Agents">
        {vault.agents.map((agent) => (
          <li className="row" key={agent.id}>
            <div className="row-text">
              <p className="row-title">
                {agent.name}
                {change?.isPaired(agent.id) === false && (
                  <span className="tag tag-ask">Pair it again</span>
                )}
              </p>
              <p className="hint small">Agent {shortId(agent.id)}</p>
            </div>
            <button
              type="button"
              className="danger"
              aria-label={`Remove ${agent.name}`}
              onClick={() => onRemove(agent)}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Who may ask for keys. */
export function AgentsPage({ agent }: { agent: AgentDescription | undefined }) {
  const vault = useVault();
  const [pairing, setPairing] = useState(false);
  const [removing, setRemoving] = useState<VaultAgentInfo>();
  return (
    <Page
      title="Agents"
      lead="Who may ask for your keys. Each is known by a key of its own, which its broker keeps."
      actions={
        vault.status === 'open' && (
          <button type="button" className="primary" onClick={() => setPairing(true)}>
            Pair an agent
          </button>
        )
      }
    >
      <VaultGate why="Your agents stand in the vault, where nobody else can add one.">
        <AgentList onRemove={setRemoving} />
      </VaultGate>
      {/* Not within the gate: the vault may be locked before the broker has answered. */}
      {pairing && (
        <PairDialog hasOwnUser={agent?.hasOwnUser === true} onClose={() => setPairing(false)} />
      )}
      {removing !== undefined && (
        <RemoveAgentDialog agent={removing} onClose={() => setRemoving(undefined)} />
      )}
    </Page>
  );
}
