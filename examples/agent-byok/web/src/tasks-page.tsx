import { useVault, type VaultSlot } from '@pzk-auth/react-hooks';
import { type FormEvent, useId, useState } from 'react';
import { formatWhen } from './format.js';
import { Page } from './page.js';
import type { NewTask, Task, useTasks } from './use-tasks.js';
import { VaultGate } from './vault-gate.js';

const STATUS: Readonly<Record<Task['status'], readonly [text: string, tone: string]>> = {
  queued: ['Waits for the agent', 'tag'],
  asking: ['Asks for your key', 'tag tag-ask'],
  working: ['Working', 'tag tag-ask'],
  done: ['Done', 'tag tag-good'],
  failed: ['Failed', 'tag tag-bad'],
};

const PROBLEMS: Readonly<Record<string, string>> = {
  interrupted: 'The platform was restarted while this ran.',
  internal: 'The agent failed. Its terminal says more.',
  not_paired: 'The agent is not paired with your vault. Pair it under Agents.',
  vault_identity_changed:
    'Your vault has got new keys since the agent was paired, as after the removal of a device. Pair it again under Agents, then try again.',
  release_rejected: 'You did not release the key.',
  release_cancelled: 'The agent took its request for the key back.',
  release_expired: 'Nobody answered the request for the key in time.',
  release_ended: 'The release was ended, so the agent has the key no more.',
  too_many_requests: 'The calls that you allowed for a day are used up, or too much waits for you.',
  network_error: 'The connection to the upstream API broke off.',
  authentication_error: 'The upstream API refused the key.',
  broker_unavailable: 'The agent’s broker does not answer.',
};

/** Props of the form. */
interface TaskFormProps {
  /** Id of the vault that holds the keys. */
  readonly vault: string;
  readonly keys: readonly VaultSlot[];
  /** What was typed so far. */
  readonly draft: string;
  readonly onDraft: (draft: string) => void;
  readonly create: (task: NewTask) => Promise<void>;
}

function TaskForm({ vault, keys, draft, onDraft, create }: TaskFormProps) {
  const id = useId();
  const [failed, setFailed] = useState(false);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const read = (name: string) => String(fields.get(name) ?? '');
    const approval = read('approval') === 'standing' ? 'standing' : 'once';
    create({ prompt: read('prompt'), vault, slot: read('slot'), approval }).then(
      () => {
        setFailed(false);
        form.reset();
        onDraft('');
      },
      () => setFailed(true),
    );
  }

  return (
    <form className="card stack" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>New task</h2>
      <div>
        <label htmlFor={`${id}-prompt`}>What should the agent do?</label>
        <textarea
          id={`${id}-prompt`}
          name="prompt"
          required
          maxLength={4000}
          value={draft}
          onChange={(event) => onDraft(event.target.value)}
          placeholder="Draft the release notes for version 2.4"
        />
      </div>
      <div>
        <label htmlFor={`${id}-slot`}>Key to use</label>
        <select id={`${id}-slot`} name="slot" required>
          {keys.map((key) => (
            <option key={key.id} value={key.id}>
              {key.name}
            </option>
          ))}
        </select>
      </div>
      <fieldset className="stack-tight">
        <legend>The agent asks you</legend>
        <label className="choice">
          <input type="radio" name="approval" value="once" defaultChecked />
          for this task alone
        </label>
        <label className="choice">
          <input type="radio" name="approval" value="standing" />
          once, for up to 20 calls a day in the next 7 days
        </label>
      </fieldset>
      {failed && (
        <p className="notice notice-bad" role="alert">
          The task did not reach the platform. Try again.
        </p>
      )}
      <div className="buttons">
        <button type="submit" className="primary">
          Hand it over
        </button>
      </div>
    </form>
  );
}

interface TaskCardProps {
  readonly task: Task;
  readonly keyName: string | undefined;
  readonly retry: (task: Task) => Promise<void>;
}

function TaskCard({ task, keyName, retry }: TaskCardProps) {
  const [text, tone] = STATUS[task.status];
  const [isLost, setIsLost] = useState(false);
  return (
    <li>
      <article className="card stack" aria-label={task.prompt}>
        <div className="card-head">
          <h3>{task.prompt}</h3>
          <span className={tone} role="status">
            {text}
          </span>
        </div>
        {task.answer !== '' && (
          <p className={task.status === 'working' ? 'answer answer-running' : 'answer'}>
            {task.answer}
          </p>
        )}
        {task.status === 'asking' && (
          <p className="hint">
            See <a href="#/approvals">Approvals</a>: the agent goes on when you have answered.
          </p>
        )}
        {task.status === 'failed' && (
          <>
            <p className="notice notice-bad">
              {PROBLEMS[task.problem] ?? `The upstream API answered: ${task.problem}`}
              {isLost && ' Your next try did not reach the platform.'}
            </p>
            <div className="buttons">
              <button
                type="button"
                aria-label={`Try again: ${task.prompt}`}
                onClick={() =>
                  void retry(task).then(
                    () => setIsLost(false),
                    () => setIsLost(true),
                  )
                }
              >
                Try again
              </button>
            </div>
          </>
        )}
        <p className="hint small">
          {formatWhen(task.createdAt / 1000)}
          {keyName !== undefined && <> · {keyName}</>}
        </p>
      </article>
    </li>
  );
}

/** What has to be there before an agent can work. */
function FirstSteps({ hasKey, hasAgent }: { hasKey: boolean; hasAgent: boolean }) {
  const steps = [
    {
      done: hasKey,
      href: '#/vault',
      to: 'Go to the vault',
      title: 'Put a key into your vault',
      why: 'Your agent works with a key of a service that you pay for.',
    },
    {
      done: hasAgent,
      href: '#/agents',
      to: 'Go to the agents',
      title: 'Pair the agent',
      why: 'So that you know who asks for it.',
    },
  ];
  return (
    <section className="stack" aria-labelledby="first-steps">
      <h2 id="first-steps">Before the first task</h2>
      <ol className="rows">
        {steps.map(({ done, href, to, title, why }) => (
          <li className="row" key={href}>
            <div className="row-text">
              <p className="row-title">
                {title}
                {done && <span className="tag tag-good">Done</span>}
              </p>
              <p className="hint small">{why}</p>
            </div>
            {!done && (
              <a className="button" href={href}>
                {to}
              </a>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Gives work to the agent and shows what comes of it. */
export function TasksPage({ feed }: { feed: ReturnType<typeof useTasks> }) {
  const vault = useVault();
  const { slots, agents } = vault.status === 'open' ? vault : { slots: [], agents: [] };
  const keys = slots.filter(({ kind, damaged }) => kind === 'secret' && damaged === undefined);
  const { tasks, agent, unreachable, create, retry, draft, setDraft } = feed;
  return (
    <Page
      title="Tasks"
      lead="Your agent works on these with a key of your vault, each time you allow it."
    >
      {unreachable && (
        <p className="notice notice-bad" role="alert">
          The platform does not answer. Trying again.
        </p>
      )}
      {agent?.online === false && (
        <p className="notice notice-ask">The agent is not running. Tasks wait until it is.</p>
      )}
      <VaultGate why="A task names the key that the agent is to ask for.">
        {(keys.length === 0 || agents.length === 0) && (
          <FirstSteps hasKey={keys.length > 0} hasAgent={agents.length > 0} />
        )}
        {vault.status === 'open' && keys.length > 0 && (
          <TaskForm
            vault={vault.vaultId}
            keys={keys}
            draft={draft}
            onDraft={setDraft}
            create={create}
          />
        )}
      </VaultGate>
      {tasks !== undefined && tasks.length > 0 && (
        <ul className="stack" aria-label="Tasks so far">
          {tasks.map((task) => (
            <TaskCard
              key={task.id}
              task={task}
              retry={retry}
              keyName={keys.find(({ id }) => id === task.slot)?.name}
            />
          ))}
        </ul>
      )}
    </Page>
  );
}
