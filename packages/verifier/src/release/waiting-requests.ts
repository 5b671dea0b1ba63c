import { limits } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import type { ReleaseRow } from '../stores/vault-stores.js';

/** Whether a request still waits for an answer. */
export function isWaiting({ status, expiresAt }: ReleaseRow, now: number): boolean {
  return status === 'waiting' && expiresAt > now;
}

/**
 * The requests of an account that wait, oldest first. Looks at all that came while one can wait: what
 * agents asked for and cancelled since hides none of them.
 */
export async function listWaiting(engine: Engine, account: string): Promise<readonly ReleaseRow[]> {
  const now = engine.config.clock();
  const since = now - limits.agentRequestSeconds * 1000;
  const found = new Map<string, ReleaseRow>();
  let before: number | undefined;
  for (;;) {
    const page = await engine.stores.releases.listByAccount(account, {
      before,
      limit: limits.listPage,
    });
    const news = page.filter(({ id }) => !found.has(id));
    for (const row of news) found.set(row.id, row);
    const last = page.at(-1);
    const complete = page.length < limits.listPage || news.length === 0;
    if (last === undefined || complete || last.at < since) break;
    // `before` is exclusive: those of the same millisecond come again and are dropped.
    before = last.at + 1;
  }
  return [...found.values()].filter((row) => isWaiting(row, now)).reverse();
}
