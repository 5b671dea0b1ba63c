'use client';

import type {
  PzkError,
  ReceiptsExport,
  ReleaseInfo,
  Releases,
  VerifiedReceipt,
} from '@pzk-auth/client';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type ActionResult, settle, settleVoid } from './action-result.js';
import { usePzkContext } from './pzk-context.js';
import { usePolling } from './use-polling.js';
import { useSnapshot } from './use-snapshot.js';

/** An entry of the account's audit log, in the server's words. */
export type ActivityEntry = Awaited<ReturnType<Releases['activity']>>[number];

/** What agents asked for and what came of it; switch on `status`. */
export type ReleasesState =
  | { readonly status: 'loading' }
  /** Newest first. */
  | { readonly status: 'ready'; readonly releases: readonly ReleaseInfo[] }
  | { readonly status: 'failed'; readonly error: PzkError };

/** What can be done. The functions keep their identity; their promises do not reject. */
export interface ReleasesActions {
  /** Reads the list now. */
  readonly refresh: () => Promise<void>;
  /** Ends a release, a standing approval for instance: the broker wipes the secret. */
  readonly end: (requestId: string) => Promise<ActionResult>;
  /**
   * Fetches every receipt of the vault, which has to be open, and checks it: what was approved, by which
   * passkey, and that none is missing or was changed. Fails with `vault_conflict` where another device has
   * changed the keys of the vault and approved since it was opened here: open it again.
   */
  readonly verifyReceipts: () => Promise<ActionResult<readonly VerifiedReceipt[]>>;
  /** The same receipts as a file for `npx @pzk-auth/cli audit verify --receipts`, with its `--head`. */
  readonly exportReceipts: () => Promise<ActionResult<ReceiptsExport>>;
  /** Entries of the audit log, newest first. @param before - Seconds since the epoch, exclusive. */
  readonly readActivity: (before?: number) => Promise<ActionResult<readonly ActivityEntry[]>>;
}

/** State and actions. */
export type UseReleases = ReleasesState & ReleasesActions;

/** Options of {@link useReleases}. */
export interface UseReleasesOptions {
  /** Milliseconds between two readings of the list. Default 5000. */
  readonly interval?: number;
}

const LOADING: ReleasesState = Object.freeze({ status: 'loading' });

/**
 * What agents asked for, what was released to them, and the trail of it. Needs no open vault, but
 * for the receipts.
 *
 * @throws TypeError outside of a `PzkProvider`
 */
export function useReleases({ interval = 5000 }: UseReleasesOptions = {}): UseReleases {
  const { handle } = usePzkContext('useReleases');
  const isActive = useSnapshot(handle.session).status === 'active';
  const [state, setState] = useState(LOADING);

  const read = useCallback(
    async (isWanted: () => boolean) => {
      const result = await settle(() => handle.client().vault.releases.list());
      if (!isWanted()) return;
      setState(result.status === 'done' ? { status: 'ready', releases: result.value } : result);
    },
    [handle],
  );
  const refresh = usePolling(read, isActive, interval);
  useEffect(() => {
    if (!isActive) setState(LOADING);
  }, [isActive]);

  const actions = useMemo<ReleasesActions>(() => {
    const releases = () => handle.client().vault.releases;
    return {
      refresh,
      end: async (requestId) => {
        const result = await settleVoid(() => releases().end(requestId));
        await refresh();
        return result;
      },
      verifyReceipts: () => settle(() => releases().receipts()),
      exportReceipts: () => settle(() => releases().exportReceipts()),
      readActivity: (before) => settle(() => releases().activity(before)),
    };
  }, [handle, refresh]);

  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}
