import {
  type ActivityResponse,
  type AgentRequestStatus,
  activityResponseSchema,
  decodeBase64url,
  encodeBase64url,
  type ParsedAgentRequest,
  PzkError,
  parseAgentRequest,
  type ReceiptsResponse,
  receiptHash,
  receiptsResponseSchema,
  releasesResponseSchema,
} from '@pzk-auth/protocol';
import type { VaultContext } from '../exchange/vault-context.js';
import { type NumberedReceipt, type VerifiedReceipt, verifyReceipts } from './verify-receipt.js';

/** A request of an agent and what came of it, as the server has it. */
export interface ReleaseInfo {
  /** What the agent asked for, read from the bytes of its request. */
  readonly request: ParsedAgentRequest;
  /** When it came, seconds since the epoch. */
  readonly at: number;
  readonly status: AgentRequestStatus;
  /** As the broker reports. */
  readonly uses: number;
  /** Seconds since the epoch. */
  readonly lastUsedAt?: number;
  /** Absent where it waits or goes on. */
  readonly endedAt?: number;
}

/** Receipts as a file, for whoever is to check them. */
export interface ReceiptsExport {
  /** To be saved as JSON: what `npx @pzk-auth/cli audit verify --receipts FILE` reads. */
  readonly document: ReceiptsResponse;
  /**
   * Hash of the last one, base64url; empty where there is none. To be kept apart from the file, for
   * `--head`: without it nobody sees whether receipts were taken away at the end.
   */
  readonly head: string;
}

/** What was released, and the trail of it. */
export interface Releases {
  /** Newest first, at most 100. @param before - Seconds since the epoch, exclusive. */
  list(before?: number): Promise<readonly ReleaseInfo[]>;
  /** Ends a release, a standing approval for instance: the broker wipes the secret. */
  end(requestId: string): Promise<void>;
  /**
   * Every receipt of the open vault, checked: what was approved, by which passkey, and that none is
   * missing or was changed. The manifest names the last one that was there when the vault was opened;
   * those that other devices have made since are the vault's, too. Receipts of a vault that was replaced
   * by a reset are left out: nothing vouches for them any more.
   *
   * @throws PzkError `vault_locked`, `receipt_invalid`; `vault_conflict` where there are receipts that
   * only the vault as it is now can vouch for: open it again
   */
  receipts(): Promise<readonly VerifiedReceipt[]>;
  /**
   * The same receipts as a file, after the same checks.
   *
   * @throws PzkError as `receipts`
   */
  exportReceipts(): Promise<ReceiptsExport>;
  /** Entries of the audit log, newest first, at most 100. In the server's words. */
  activity(before?: number): Promise<ActivityResponse['entries']>;
}

/** Twenty receipts at their limit, as base64url in JSON. */
const MAXIMUM_RECEIPTS_BYTES = 2 * 1024 * 1024;

function invalid(reason: string): PzkError {
  return new PzkError('receipt_invalid', 'The receipts are not those that were made.', {
    cause: new TypeError(reason),
  });
}

const pageOf = (before: number | undefined) => (before === undefined ? {} : { before });

export function createReleases({ api, holder }: VaultContext): Releases {
  async function fetchReceipts(): Promise<readonly NumberedReceipt[]> {
    const all: NumberedReceipt[] = [];
    for (;;) {
      const after = all.at(-1)?.number;
      const { receipts } = await api.post(
        '/vault/receipts',
        after === undefined ? {} : { after },
        receiptsResponseSchema,
        { maximumBytes: MAXIMUM_RECEIPTS_BYTES },
      );
      const [first] = receipts;
      if (first === undefined) return all;
      // Else a server could keep this going.
      if (first.number !== (after ?? 0) + 1) {
        throw invalid('One is missing.');
      }
      for (const { number, receipt } of receipts) {
        all.push({ number, receipt: decodeBase64url(receipt) });
      }
    }
  }

  /** Those of the open vault, checked, among all that were given. */
  async function readReceipts(): Promise<{
    readonly receipts: readonly VerifiedReceipt[];
    readonly given: readonly NumberedReceipt[];
  }> {
    const {
      vault_id: vaultId,
      receipts_head: head,
      identity_key,
    } = await holder.read(({ manifest }) => manifest);
    const given = await fetchReceipts();
    const verdict = await verifyReceipts({ receipts: given, vaultId });
    if (!verdict.valid) throw invalid(`receipt ${verdict.number}: ${verdict.flaw}`);
    const { receipts } = verdict;
    const named = head === '' ? -1 : receipts.findIndex(({ hash }) => hash === head);
    if (head !== '' && named < 0) throw invalid('The last one is missing.');
    // Another device may have approved since this one opened the vault, or changed its keys before.
    const later = receipts.slice(named + 1);
    if (later.some(({ identityKey }) => identityKey !== identity_key)) {
      throw new PzkError('vault_conflict', 'There are receipts of another signer of the vault.', {
        hint: 'Open the vault again. If it says so still, treat the receipts as invalid.',
      });
    }
    return { receipts, given };
  }

  return {
    async list(before) {
      const answer = await api.post('/vault/releases/list', pageOf(before), releasesResponseSchema);
      return Object.freeze(
        answer.releases.map((one) =>
          Object.freeze({
            request: parseAgentRequest(decodeBase64url(one.request)),
            at: one.at,
            status: one.status,
            uses: one.uses,
            ...(one.last_used_at === undefined ? {} : { lastUsedAt: one.last_used_at }),
            ...(one.ended_at === undefined ? {} : { endedAt: one.ended_at }),
          }),
        ),
      );
    },
    end: (id) => api.postVoid('/vault/releases/end', { id }),
    receipts: async () => (await readReceipts()).receipts,
    async exportReceipts() {
      const { receipts, given } = await readReceipts();
      const verified = new Set(receipts.map(({ hash }) => hash));
      const document = given
        .filter(({ receipt }) => verified.has(encodeBase64url(receiptHash(receipt))))
        .map(({ number, receipt }) => ({ number, receipt: encodeBase64url(receipt) }));
      return Object.freeze({
        document: { receipts: document },
        head: receipts.at(-1)?.hash ?? '',
      });
    },
    async activity(before) {
      return (await api.post('/vault/activity', pageOf(before), activityResponseSchema)).entries;
    },
  };
}
