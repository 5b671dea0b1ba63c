import { usePzkFetch } from '@pzk-auth/react-hooks';
import { useCallback, useEffect, useState } from 'react';

/** A task as the platform tells it. */
export interface Task {
  readonly id: string;
  readonly prompt: string;
  readonly slot: string;
  readonly approval: 'once' | 'standing';
  readonly status: 'queued' | 'asking' | 'working' | 'done' | 'failed';
  readonly answer: string;
  readonly problem: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What a new task needs. */
export type NewTask = Pick<Task, 'prompt' | 'slot' | 'approval'> & { readonly vault: string };

/** What the platform tells of its agent. */
export interface AgentDescription {
  readonly online: boolean;
  /** Whether its broker runs as a user of its own. */
  readonly hasOwnUser: boolean;
}

const RETRY = 3000;

function withTask(tasks: readonly Task[], task: Task): readonly Task[] {
  return tasks.some(({ id }) => id === task.id)
    ? tasks.map((one) => (one.id === task.id ? task : one))
    : [task, ...tasks];
}

/** Lines of a streamed body. */
async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

/**
 * The tasks of this account, as they change; `undefined` until they are read. `draft` is what the next one
 * says so far: it outlives a look at another page, and a lock of the vault.
 */
export function useTasks() {
  const pzkFetch = usePzkFetch();
  const [draft, setDraft] = useState('');
  const [tasks, setTasks] = useState<readonly Task[]>();
  const [agent, setAgent] = useState<AgentDescription>();
  const [unreachable, setUnreachable] = useState(false);

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    async function follow(): Promise<void> {
      const changes = await pzkFetch('/api/tasks/changes', { signal });
      if (!changes.ok || changes.body === null) throw new Error('There is no stream.');
      // After the stream began: what changes in between is in the list or in the stream.
      const list = await (await pzkFetch('/api/tasks', { signal })).json();
      setTasks(list.tasks);
      setAgent(await (await pzkFetch('/api/agent', { signal })).json());
      setUnreachable(false);
      for await (const line of readLines(changes.body)) {
        const task: Task = JSON.parse(line);
        setTasks((known) => known && withTask(known, task));
      }
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      if (!signal.aborted) timer = setTimeout(run, RETRY);
    };
    const run = () => {
      follow().then(again, () => {
        if (!signal.aborted) setUnreachable(true);
        again();
      });
    };
    run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [pzkFetch]);

  const create = useCallback(
    async (task: NewTask) => {
      const response = await pzkFetch('/api/tasks', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(task),
      });
      if (!response.ok) throw new Error(`The platform answered ${response.status}.`);
      const made: Task = await response.json();
      // The stream may have told more of it by now.
      setTasks((known = []) => (known.some(({ id }) => id === made.id) ? known : [made, ...known]));
    },
    [pzkFetch],
  );

  /** Hands a task over once more that has failed; the stream tells what comes of it. */
  const retry = useCallback(
    async ({ id }: Task) => {
      const response = await pzkFetch(`/api/tasks/${id}/retry`, { method: 'POST' });
      // It was tried again in another tab.
      if (!response.ok && response.status !== 409) {
        throw new Error(`The platform answered ${response.status}.`);
      }
    },
    [pzkFetch],
  );

  return { tasks, agent, unreachable, create, retry, draft, setDraft };
}
