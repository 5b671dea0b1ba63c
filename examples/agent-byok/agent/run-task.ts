import {
  type BrokerConnection,
  type BrokerGrant,
  type GrantStatus,
  isPzkError,
} from '@pzk-auth/agent';
import { askModel, UpstreamError } from './messages.js';
import type { AgentTask, PlatformLink } from './platform-link.js';

const DAY = 86_400;
/** What a task asks for: enough for a retry, and no longer than a person waits. */
const ONCE = { uses: 3, ttl: 600 };
const STANDING = { uses: 140, perDay: 20, days: 7 };

/** What an agent works with. */
export interface AgentOptions {
  readonly broker: BrokerConnection;
  readonly platform: PlatformLink;
  /** As a release names it: `api.anthropic.com`. */
  readonly host: string;
  readonly model: string;
}

/** Purposes are one line of at most 200 characters. */
function describe(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

/** What became of a request that nobody approved: an error calls all of these rejected. */
const UNANSWERED: Readonly<Partial<Record<GrantStatus, string>>> = {
  expired: 'release_expired',
  cancelled: 'release_cancelled',
};

function problemOf(error: unknown, grant: BrokerGrant | undefined): string {
  if (error instanceof UpstreamError) return error.message;
  if (!isPzkError(error)) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return 'internal';
  }
  if (error.code === 'not_found') return 'not_paired';
  const unanswered = grant && UNANSWERED[grant.snapshot.status];
  return error.code === 'release_rejected' ? (unanswered ?? error.code) : error.code;
}

/** Creates the agent: a function that does one task. It never sees the key, only answers of the API. */
export function createAgent({ broker, platform, host, model }: AgentOptions) {
  /** Standing approvals by account, vault and slot: the broker keeps them, this only finds them again. */
  const standing = new Map<string, BrokerGrant>();

  async function isUsable(grant: BrokerGrant): Promise<boolean> {
    const { snapshot } = await broker.grant(grant.id);
    return snapshot.status === 'released';
  }

  async function obtainGrant(task: AgentTask): Promise<BrokerGrant> {
    const { account, vault, slot, prompt, approval } = task;
    const common = { vault, slot, host, methods: ['POST' as const] };
    // A user who wants to be asked is asked, whatever they have approved before.
    if (approval === 'once') {
      return broker.request({ ...common, ...ONCE, purpose: describe(prompt) });
    }
    const place = `${account} ${vault} ${slot}`;
    const known = standing.get(place);
    if (known !== undefined && (await isUsable(known).catch(() => false))) return known;
    standing.delete(place);
    const { uses, perDay, days } = STANDING;
    const notAfter = Math.floor(Date.now() / 1000) + days * DAY;
    const purpose = 'Tasks that you give me in the coming days';
    const grant = await broker.request({ ...common, uses, perDay, notAfter, purpose });
    standing.set(place, grant);
    return grant;
  }

  return async (task: AgentTask): Promise<void> => {
    let grant: BrokerGrant | undefined;
    try {
      grant = await obtainGrant(task);
      await grant.approved();
      await platform.report(task.id, { status: 'working' });
      const keyedFetch = grant.fetch.bind(grant);
      for await (const text of askModel(keyedFetch, { host, model, prompt: task.prompt })) {
        await platform.report(task.id, { text });
      }
      await platform.report(task.id, { status: 'done' });
    } catch (error) {
      await platform.report(task.id, { status: 'failed', problem: problemOf(error, grant) });
    } finally {
      // Given for this task alone, so it ends with it.
      if (task.approval === 'once') await grant?.end().catch(() => undefined);
    }
  };
}
