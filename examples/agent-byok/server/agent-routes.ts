import { createHash, timingSafeEqual } from 'node:crypto';
import { json, type RequestHandler, Router } from 'express';
import type { TaskStatus, Tasks } from './tasks.js';

/** How long a poll of the agent waits for a task. Milliseconds. */
const POLL = 20_000;
const STATUSES: ReadonlySet<unknown> = new Set(['asking', 'working', 'done', 'failed']);

/** What the page is told of the agent. */
export interface AgentDescription {
  /** Whether it has asked for work lately. */
  readonly online: boolean;
  /** Whether its broker runs as a user of its own. The page has the command for each: no text of ours gets into a shell. */
  readonly hasOwnUser: boolean;
}

/** The platform's end of the line to its agent. */
export interface AgentLink {
  readonly routes: Router;
  describe(): AgentDescription;
}

/** Options of {@link createAgentLink}. */
export interface AgentLinkOptions {
  readonly tasks: Tasks;
  /** By it the platform knows its own agent. It opens no vault and no release. */
  readonly token: string;
  readonly hasOwnUser: boolean;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

function requireToken(token: string): RequestHandler {
  const expected = digest(`Bearer ${token}`);
  return (req, res, next) => {
    if (timingSafeEqual(digest(req.get('authorization') ?? ''), expected)) return next();
    res.status(401).json({ title: 'This is for the agent.' });
  };
}

/** Hands tasks to the agent and takes what it reports. Requests for keys go another way. */
export function createAgentLink({ tasks, token, hasOwnUser }: AgentLinkOptions): AgentLink {
  let polls = 0;
  let lastPoll = 0;
  const routes = Router();
  routes.use(requireToken(token));

  routes.post('/tasks/next', async (_req, res) => {
    polls++;
    const gone = new AbortController();
    const timer = setTimeout(() => gone.abort(), POLL);
    res.once('close', () => gone.abort());
    const task = await tasks.take(gone.signal);
    clearTimeout(timer);
    polls--;
    lastPoll = Date.now();
    if (task === undefined) return void res.sendStatus(204);
    const { id, account, prompt, vault, slot, approval } = task;
    res.json({ id, account, prompt, vault, slot, approval });
  });

  routes.post('/tasks/:id', json({ limit: '256kb' }), (req, res) => {
    const { status, text, problem } = (req.body ?? {}) as Record<string, unknown>;
    const known = tasks.report(String(req.params.id), {
      status: STATUSES.has(status) ? (status as TaskStatus) : undefined,
      text: typeof text === 'string' ? text : undefined,
      problem: typeof problem === 'string' ? problem.slice(0, 200) : undefined,
    });
    res.sendStatus(known ? 204 : 404);
  });

  return {
    routes,
    describe: () => ({ online: polls > 0 || Date.now() - lastPoll < POLL, hasOwnUser }),
  };
}
