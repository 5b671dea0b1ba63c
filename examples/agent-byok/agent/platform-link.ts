import { setTimeout as wait } from 'node:timers/promises';

/** A task as the platform hands it over. */
export interface AgentTask {
  readonly id: string;
  /** Whose it is. */
  readonly account: string;
  readonly prompt: string;
  /** Vault and slot of the key that the user chose. */
  readonly vault: string;
  readonly slot: string;
  readonly approval: 'once' | 'standing';
}

/** What the agent tells of a task. */
export interface TaskReport {
  readonly status?: 'asking' | 'working' | 'done' | 'failed';
  /** Follows what was told before. */
  readonly text?: string;
  readonly problem?: string;
}

/** The agent's end of the line to the platform. */
export interface PlatformLink {
  /** Tasks as they come, until the signal. */
  tasks(signal: AbortSignal): AsyncGenerator<AgentTask>;
  report(id: string, report: TaskReport): Promise<void>;
}

const RETRY = 2000;

/** Connects to the platform at `origin`. */
export function createPlatformLink(origin: string, token: string): PlatformLink {
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(`${origin}/agent-api${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });

  return {
    async *tasks(signal) {
      while (!signal.aborted) {
        try {
          const response = await post('/tasks/next', {}, signal);
          if (response.status === 200) yield (await response.json()) as AgentTask;
          else if (response.status !== 204) await wait(RETRY, undefined, { signal });
        } catch {
          // The platform is being restarted, or this program ends.
          await wait(RETRY, undefined, { signal }).catch(() => undefined);
        }
      }
    },
    async report(id, report) {
      await post(`/tasks/${id}`, report).catch(() => undefined);
    },
  };
}
