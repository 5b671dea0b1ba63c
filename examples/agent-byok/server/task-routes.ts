import type { PzkAuth } from '@pzk-auth/express';
import type { Stores } from '@pzk-auth/verifier';
import { json, Router } from 'express';
import type { AgentLink } from './agent-routes.js';
import type { Tasks } from './tasks.js';

const MAXIMUM_PROMPT = 4000;
/** Of vaults and slots: 16 bytes, base64url. */
const ID = /^[A-Za-z0-9_-]{22}$/;

const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** Options of {@link taskRoutes}. */
export interface TaskRoutesOptions {
  readonly pzk: PzkAuth;
  readonly tasks: Tasks;
  readonly agent: AgentLink;
  /** Says whose a vault and its slots are. */
  readonly vaults: Pick<Stores['vaults'], 'get'>;
}

/** What signed-in users do with tasks: give one, list them, watch them. */
export function taskRoutes({ pzk, tasks, agent, vaults }: TaskRoutesOptions): Router {
  const routes = Router();
  routes.use(pzk.protect({ scope: 'tasks' }));

  routes.get('/agent', (_req, res) => {
    res.set('Cache-Control', 'no-store').json(agent.describe());
  });

  routes.get('/tasks', (req, res) => {
    res.set('Cache-Control', 'no-store').json({ tasks: tasks.list(req.pzk.account) });
  });

  routes.post('/tasks', json({ limit: '32kb' }), async (req, res) => {
    const { prompt, vault, slot, approval } = (req.body ?? {}) as Record<string, unknown>;
    const asked = typeof prompt === 'string' ? prompt.trim() : '';
    if (asked === '' || asked.length > MAXIMUM_PROMPT) {
      return void res
        .status(400)
        .json({ title: 'A task needs a text of at most 4000 characters.' });
    }
    if (!isId(vault) || !isId(slot) || (approval !== 'once' && approval !== 'standing')) {
      return void res.status(400).json({ title: 'The task is malformed.' });
    }
    const { account } = req.pzk;
    // Ids are no secrets: without this a task would run on what another user has approved.
    const own = await vaults.get(account);
    if (own?.vaultId !== vault || !own.slots.some(({ id }) => id === slot)) {
      return void res.status(403).json({ title: 'No vault of yours has this key.' });
    }
    res.status(201).json(tasks.create({ account, prompt: asked, vault, slot, approval }));
  });

  routes.post('/tasks/:id/retry', (req, res) => {
    const task = tasks.retry(req.pzk.account, req.params.id);
    if (task === undefined) return void res.status(409).json({ title: 'It has not failed.' });
    res.json(task);
  });

  // One JSON text a line, the task whole at each change. The page reads it with its token's `fetch`.
  routes.get('/tasks/changes', (req, res) => {
    res.set({ 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' });
    res.flushHeaders();
    const stop = tasks.watch(
      req.pzk.account,
      (task) => void res.write(`${JSON.stringify(task)}\n`),
    );
    const alive = setInterval(() => res.write('\n'), 15_000);
    res.once('close', () => {
      stop();
      clearInterval(alive);
    });
  });

  return routes;
}
