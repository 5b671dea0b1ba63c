import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentEvent,
  type AgentRequestStatus,
  emptyRequestSchema,
  limits,
} from '@pzk-auth/protocol';
import { durations } from '../durations.js';
import type { Engine, RequestContext } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import { NO_STORE } from '../http/route.js';
import { CHANGED_LIMIT } from '../stores/release-rules.js';
import type { AgentRow } from '../stores/vault-stores.js';
import { authenticateAgent, findAgent } from './authenticate-agent.js';
import { requestStatus } from './release-row.js';

/** What a stream has told of a request. */
interface Told {
  readonly status: AgentRequestStatus;
  readonly expiresAt: number;
}

/** Reads what changed since it was asked last; each status is told once. */
function watchRequests(
  engine: Engine,
  { account, id }: AgentRow,
): () => Promise<readonly AgentEvent[]> {
  const told = new Map<string, Told>();
  const { clock } = engine.config;
  // All that may still wait: so its expiry is told, too.
  let after = clock() - limits.agentRequestSeconds * 1000;
  return async () => {
    const rows = await engine.stores.releases.listChanged({ account, agent: id }, after);
    const now = clock();
    const events: AgentEvent[] = [];
    const tell = (request: string, next: Told) => {
      if (told.get(request)?.status === next.status) return;
      told.set(request, next);
      events.push({ id: request, status: next.status });
    };
    for (const row of rows) {
      tell(row.id, { status: requestStatus(row, now), expiresAt: row.expiresAt });
    }
    for (const [request, { status, expiresAt }] of told) {
      if (status === 'waiting' && expiresAt <= now) tell(request, { status: 'expired', expiresAt });
    }
    const last = rows.at(-1)?.changedAt ?? after;
    // Times are those of the instance that wrote; a little is read again for one whose clock is behind.
    after =
      rows.length < CHANGED_LIMIT ? Math.max(after, last - durations.agentEventOverlap) : last;
    return events;
  };
}

function formatEvent(event: AgentEvent): string {
  return `event: request\ndata: ${JSON.stringify(event)}\n\n`;
}

/** The text of a stream, piece by piece, until its time is over or the agent is in no manifest. */
async function* streamEvents(
  engine: Engine,
  agent: AgentRow,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const read = watchRequests(engine, agent);
  const start = performance.now();
  let heard = start;
  // At once, so that whatever buffers on the way passes the head on.
  yield ': open\n\n';
  while (performance.now() - start < durations.agentEvents) {
    for (const event of await read()) yield formatEvent(event);
    await sleep(durations.agentEventPoll, undefined, { signal, ref: false });
    if (performance.now() - heard < durations.agentEventComment) continue;
    heard = performance.now();
    if ((await findAgent(engine, agent.jkt)) === undefined) return;
    yield ': still here\n\n';
  }
}

/**
 * `POST {base}/agent/events`: tells an agent of each change of its requests, so that it need not ask. One
 * look at the store in a second; a fault of it ends the stream, and the agent asks again.
 */
export async function openAgentEvents(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<Response> {
  await readMessage(request, emptyRequestSchema);
  const agent = await authenticateAgent(engine, request, '/agent/events', context);
  const place = engine.eventStreams.open(agent.jkt);
  const left = new AbortController();
  const signal = AbortSignal.any([place.signal, left.signal, request.signal]);
  const encoder = new TextEncoder();

  async function run(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      for await (const text of streamEvents(engine, agent, signal)) {
        if (signal.aborted) break;
        controller.enqueue(encoder.encode(text));
      }
    } catch (error) {
      if (!signal.aborted) engine.emit({ type: 'fault', endpoint: '/agent/events', error });
    } finally {
      place.release();
      // Whoever has gone has closed it.
      if (!left.signal.aborted) controller.close();
    }
  }

  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void run(controller),
    cancel: () => left.abort(),
  });
  return new Response(body, {
    headers: {
      ...NO_STORE,
      // Compression would hold events back until it has enough of them.
      'cache-control': 'no-store, no-transform',
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    },
  });
}
