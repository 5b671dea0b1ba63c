import type { AgentUsesRequest } from '@pzk-auth/protocol';
import { happensFirst } from '../audit/happens-first.js';
import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import type { ReleaseRow } from '../stores/vault-stores.js';

/** Whether the log has not told this number of uses of a release yet, as far as is remembered. */
export function isUntold(engine: Engine, id: string, uses: number): Promise<boolean> {
  return happensFirst(engine, `used ${id} ${uses}`, 2 * durations.releaseUsesRecent);
}

/**
 * Whether a report of uses is to make an entry. The numbers are a broker's word, so it is one in a minute.
 * What that holds back is told by a later report, though that has nothing new, or by the last one.
 *
 * @param row - As it was before the report.
 * @param isOver - Whether this very report ended the release.
 */
export async function isDueForLog(
  engine: Engine,
  row: ReleaseRow,
  { id, uses: reported, ended, isOver }: AgentUsesRequest & { readonly isOver: boolean },
): Promise<boolean> {
  const isNews = reported > row.uses;
  const uses = Math.max(reported, row.uses);
  if (isOver) return (await isUntold(engine, id, uses)) && isNews;
  const { releaseUseEntries, releaseUsesRecent } = durations;
  const isRecent = engine.config.clock() - (row.lastUsedAt ?? 0) < releaseUsesRecent;
  if (!isNews && !isRecent) return false;
  // The last word about a release that the user has ended waits for no minute but its own.
  const kind = ended ? 'last used' : 'used';
  return (
    (await happensFirst(engine, `${kind} ${id}`, releaseUseEntries)) &&
    (await isUntold(engine, id, uses))
  );
}
