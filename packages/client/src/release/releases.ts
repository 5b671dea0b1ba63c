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
   * by a reset are left out: nothing vouches for them any more. They are fetched and checked page by page.
   *
   * @throws PzkError `vault_locked`, `receipt_invalid`; `vault_conflict` where there are receipts that
   * only the vault as it is now can vouch for: open it again; `unexpected_response` after 10,000 of vaults that
   * were replaced
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

/** As many receipts of vaults that were replaced as are passed over: each stands for a touch. */
const MAXIMUM_OTHERS = 10_000;

/** Receipts of the open vault, checked, and the bytes of each. */
interface OwnReceipts {
  readonly receipts: readonly VerifiedReceipt[];
  readonly given: readonly NumberedReceipt[];
}

function invalid(reason: string): PzkError {
  return new PzkError('receipt_invalid', 'The receipts are not those that were made.', {
    cause: new TypeError(reason),
  });
}

const pageOf = (before: number | undefined) => (before === undefined ? {} : { before });

export function createReleases({ api, holder }: VaultContext): Releases {
  /** A page of the account's receipts; empty at the end. */
  async function fetchPage(after: number): Promise<readonly NumberedReceipt[]> {
    const { receipts } = await api.post(
      '/vault/receipts',
      after === 0 ? {} : { after },
      receiptsResponseSchema,
      { maximumBytes: MAXIMUM_RECEIPTS_BYTES },
    );
    if (receipts.length > 0 && receipts[0]?.number !== after + 1) throw invalid('One is missing.');
    return receipts.map(({ number, receipt }) => ({ number, receipt: decodeBase64url(receipt) }));
  }

  /**
   * Those of the open vault, each page checked as it comes: whatever a server makes up, it comes to an end. Before
   * the one that the manifest names by the counters, which rise; after it by the signer; and those of vaults
   * that were replaced, of which nothing is checked, by their number.
   */
  async function readReceipts(): Promise<OwnReceipts> {
    const manifest = await holder.read((vault) => vault.manifest);
    const { vault_id: vaultId, receipts_head: head, identity_key: identityKey } = manifest;
    const receipts: VerifiedReceipt[] = [];
    const given: NumberedReceipt[] = [];
    let named = head === '';
    let others = 0;
    let after = 0;

    function judge(receipt: VerifiedReceipt): void {
      if (!named) {
        if (receipt.counter >= manifest.counter) throw invalid('The last one is missing.');
        named = receipt.hash === head;
      } else if (receipt.identityKey !== identityKey) {
        // Another device may have approved since this one opened the vault, or changed its keys before.
        throw new PzkError('vault_conflict', 'There are receipts of another signer of the vault.', {
          hint: 'Open the vault again. If it says so still, treat the receipts as invalid.',
        });
      }
    }

    for (;;) {
      const page = await fetchPage(after);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.number;
      // From the last one on that was checked, which the next one names.
      const known = given.slice(-1);
      const verdict = await verifyReceipts({
        receipts: [...known, ...page],
        after: receipts.at(-1)?.previous,
        vaultId,
      });
      if (!verdict.valid) throw invalid(`receipt ${verdict.number}: ${verdict.flaw}`);
      const found = verdict.receipts.slice(known.length);
      for (const receipt of found) judge(receipt);
      const own = new Set(found.map(({ hash }) => hash));
      receipts.push(...found);
      given.push(...page.filter(({ receipt }) => own.has(encodeBase64url(receiptHash(receipt)))));
      others += page.length - found.length;
      if (others > MAXIMUM_OTHERS) {
        throw new PzkError('unexpected_response', 'The receipts of other vaults have no end.');
      }
    }
    if (!named) throw invalid('The last one is missing.');
    return { receipts: Object.freeze(receipts), given };
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
      const document = given.map(({ number, receipt }) => {
        return { number, receipt: encodeBase64url(receipt) };
      });
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
