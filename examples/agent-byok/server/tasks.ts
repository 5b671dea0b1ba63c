import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import Database from 'libsql';

/** Where a task stands. `asking`: the agent waits for the user's approval. */
export type TaskStatus = 'queued' | 'asking' | 'working' | 'done' | 'failed';

/** One piece of work for the agent. */
export interface Task {
  readonly id: string;
  readonly account: string;
  readonly prompt: string;
  /** Vault and slot of the key that the agent is to ask for. */
  readonly vault: string;
  readonly slot: string;
  /** Whether the agent asks for this task alone, or for the days to come. */
  readonly approval: 'once' | 'standing';
  readonly status: TaskStatus;
  /** What the upstream API has answered so far. */
  readonly answer: string;
  /** Why it failed: a code or a short text of the agent's. */
  readonly problem: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What the agent reports of a task. */
export interface TaskReport {
  readonly status?: TaskStatus | undefined;
  /** Follows what was answered so far. */
  readonly text?: string | undefined;
  readonly problem?: string | undefined;
}

/** The tasks of all accounts, in a SQLite file. */
export interface Tasks {
  create(task: Pick<Task, 'account' | 'prompt' | 'vault' | 'slot' | 'approval'>): Task;
  /** Newest first. */
  list(account: string): readonly Task[];
  /** Takes the oldest one that waits; undefined if none came until the signal. */
  take(signal: AbortSignal): Promise<Task | undefined>;
  /** Lets a task that has failed wait once more. Undefined for one that has not, or is of another account. */
  retry(account: string, id: string): Task | undefined;
  /** False for a task that is not there or has ended. */
  report(id: string, report: TaskReport): boolean;
  /** Calls at each change of a task of this account; returns how to stop it. */
  watch(account: string, listener: (task: Task) => void): () => void;
  close(): void;
}

const COLUMNS = 'id, account, prompt, vault, slot, approval, status, answer, problem, createdAt';
const ENDED: ReadonlySet<TaskStatus> = new Set(['done', 'failed']);

/** Opens the file of the tasks. Tasks that ran when the platform ended have failed. */
export function openTasks(file: string): Tasks {
  const database = new Database(file);
  database.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS tasks (
      id TEXT PRIMARY KEY, account TEXT NOT NULL, prompt TEXT NOT NULL, vault TEXT NOT NULL,
      slot TEXT NOT NULL, approval TEXT NOT NULL, status TEXT NOT NULL, answer TEXT NOT NULL, problem TEXT NOT NULL,
      createdAt INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS tasks_of_account ON tasks (account, createdAt);
    UPDATE tasks SET status = 'failed', problem = 'interrupted' WHERE status IN ('asking', 'working');`);
  const insert = database.prepare(`INSERT INTO tasks (${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)`);
  const newest = database.prepare(
    `SELECT ${COLUMNS} FROM tasks WHERE account = ? ORDER BY createdAt DESC, rowid DESC LIMIT 20`,
  );
  const byId = database.prepare(`SELECT ${COLUMNS} FROM tasks WHERE id = ?`);
  const oldest = database.prepare(
    `SELECT ${COLUMNS} FROM tasks WHERE status = 'queued' ORDER BY createdAt, rowid LIMIT 1`,
  );
  const change = database.prepare(
    'UPDATE tasks SET status = ?, answer = ?, problem = ? WHERE id = ?',
  );
  const changes = new EventEmitter().setMaxListeners(0);

  const store = (task: Task) => {
    change.run(task.status, task.answer, task.problem, task.id);
    changes.emit(task.account, task);
    return task;
  };

  const takeOldest = () => {
    const task = oldest.get() as Task | undefined;
    return task && store({ ...task, status: 'asking' });
  };

  return {
    create(wanted) {
      const task: Task = {
        ...wanted,
        id: randomBytes(12).toString('base64url'),
        status: 'queued',
        answer: '',
        problem: '',
        createdAt: Date.now(),
      };
      const { id, account, prompt, vault, slot, approval, status, answer, problem, createdAt } =
        task;
      insert.run(id, account, prompt, vault, slot, approval, status, answer, problem, createdAt);
      changes.emit(account, task);
      changes.emit('queued');
      return task;
    },
    list: (account) => newest.all(account) as Task[],
    async take(signal) {
      for (;;) {
        if (signal.aborted) return undefined;
        const task = takeOldest();
        if (task !== undefined) return task;
        await new Promise<void>((resolve) => {
          const wake = () => {
            changes.off('queued', wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          changes.on('queued', wake);
          signal.addEventListener('abort', wake);
        });
      }
    },
    retry(account, id) {
      const task = byId.get(id) as Task | undefined;
      if (task?.account !== account || task.status !== 'failed') return undefined;
      const waiting = store({ ...task, status: 'queued', answer: '', problem: '' });
      changes.emit('queued');
      return waiting;
    },
    report(id, { status, text = '', problem }) {
      const task = byId.get(id) as Task | undefined;
      if (task === undefined || ENDED.has(task.status)) return false;
      store({
        ...task,
        status: status ?? task.status,
        answer: task.answer + text,
        problem: problem ?? task.problem,
      });
      return true;
    },
    watch(account, listener) {
      changes.on(account, listener);
      return () => void changes.off(account, listener);
    },
    close: () => void database.close(),
  };
}
