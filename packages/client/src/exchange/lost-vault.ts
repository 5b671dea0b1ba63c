import type { VaultStatusResponse } from '@pzk-auth/protocol';
import type { ReleaseInfo, Releases } from '../release/releases.js';
import type { ClientRecords } from '../storage/client-records.js';

/** A vault that was replaced because nobody could open it any more. Its names went with it. */
export interface LostVault {
  /** When it was replaced, seconds since the epoch. */
  readonly at: number;
  /**
   * Hosts that agents were allowed to call with keys of it, most recent first: all that the server knows
   * of whose keys they were.
   */
  readonly hosts: readonly string[];
}

/** The type of the entry in `/vault/activity`. */
const REPLACED = 'vault_replaced';

/** What lost vaults are found with. */
export interface LostVaults {
  readonly readStatus: () => Promise<VaultStatusResponse>;
  readonly releases: Releases;
  readonly records: ClientRecords;
}

/** Of what was released: for a request alone no key was ever used. */
const hostsOf = (releases: readonly ReleaseInfo[]) => [
  ...new Set(
    releases
      .filter(({ status }) => status === 'released' || status === 'ended')
      .map(({ request }) => request.host),
  ),
];

/**
 * Finds the vault that this one has replaced, until the user has settled it. In the server's words: nothing
 * rests on them but what is asked of the user.
 */
export async function findLostVault({
  readStatus,
  releases,
  records,
}: LostVaults): Promise<LostVault | undefined> {
  // By the vault that came: another account of this browser has lost nothing with it.
  const { vault_id: vaultId } = await readStatus();
  const known = await records.readLostVault(vaultId);
  const entries = await releases.activity();
  // Once seen it is kept here: other entries push it off the page.
  const seen = entries.find(({ type }) => type === REPLACED)?.at;
  const at = Math.max(seen ?? 0, known?.at ?? 0);
  if (at === 0 || (known?.settled === true && known.at >= at)) return undefined;
  if (known?.at !== at) await records.writeLostVault(vaultId, { at, settled: false });
  const before = await releases.list(at + 1);
  return Object.freeze({ at, hosts: Object.freeze(hostsOf(before)) });
}

/** Notes that the user has rotated what was lost. */
export async function settleLostVault({
  readStatus,
  records,
}: Pick<LostVaults, 'readStatus' | 'records'>): Promise<void> {
  const { vault_id: vaultId } = await readStatus();
  const known = await records.readLostVault(vaultId);
  if (known !== undefined) await records.writeLostVault(vaultId, { ...known, settled: true });
}
