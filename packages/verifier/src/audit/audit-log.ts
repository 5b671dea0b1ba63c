import { isPzkError, PzkError } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { AuditRow, AuditStore } from '../stores/audit-store.js';
import { type AuditDraft, chainDrafts } from './audit-entry.js';
import type { AuditClass } from './audit-policy.js';

/** Entries of one write. */
const BATCH = 100;
/** Entries that may wait; beyond it whoever lets somebody in has to wait, and is refused. */
const MAX_WAITING = 5000;
/** How long an entry of class `batched` may wait for others, milliseconds. */
const BATCH_DELAY = 1000;
/** Tries of one batch against other processes that write the same chain. */
const MAX_TRIES = 50;
/** Pause after a write that failed, milliseconds. */
const RETRY_DELAY = 500;

interface Waiting {
  readonly draft: AuditDraft;
  readonly strict: boolean;
  readonly settle: (error?: PzkError) => void;
}

/** Writes the audit log of an issuer in batches. */
export interface AuditLog {
  /**
   * Adds an entry. For `strict` it resolves when the entry is stored and rejects with
   * `store_unavailable` if that is not known, or `busy` if too many wait; else it resolves at once.
   */
  add(draft: AuditDraft, kind: Exclude<AuditClass, 'never'>): Promise<void>;
  /** Writes what waits; resolves with the number of entries that could not be written. */
  flush(timeout: number): Promise<number>;
}

/** Options of {@link createAuditLog}. */
export interface AuditLogOptions {
  readonly store: AuditStore;
  readonly issuer: string;
  /** Told of each write that failed. */
  readonly onFault: (error: unknown) => void;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Creates the audit log of one process. Several may write the same chain. */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { store, issuer, onFault } = options;
  let queue: Waiting[] = [];
  let last: Pick<AuditRow, 'seq' | 'hash'> | undefined;
  /** Number of the last entry that the store was seen to hold. */
  let seen = 0;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Whether these very rows are stored: the answer to an append may have been lost. */
  async function areStored(rows: readonly AuditRow[]): Promise<boolean> {
    const first = rows[0] as AuditRow;
    const found = await store.list({ after: first.seq - 1, limit: rows.length });
    return found.length === rows.length && found.every(({ hash }, i) => hash === rows[i]?.hash);
  }

  /** The end of the chain, which never comes nearer: whoever cuts it off while we write is told of. */
  async function readEnd(): Promise<AuditRow | undefined> {
    const end = await store.last();
    const seq = end?.seq ?? 0;
    if (seq < seen) onFault(new Error(`The audit log ended with entry ${seen}, now with ${seq}.`));
    seen = seq;
    return end;
  }

  async function append(drafts: readonly AuditDraft[]): Promise<void> {
    last ??= await readEnd();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const rows = chainDrafts(issuer, last, drafts);
      let added: boolean;
      try {
        added = await store.append(rows);
      } catch (error) {
        if (!(await areStored(rows))) throw error;
        added = true;
      }
      if (added === true) {
        last = rows.at(-1);
        seen = last?.seq ?? seen;
        return;
      }
      // Another process was faster. A pause of random length keeps two from meeting again.
      await wait(Math.random() * 10 * Math.min(tries, 10));
      last = await readEnd();
    }
    throw new PzkError('store_unavailable', 'Others wrote the audit log all the time.');
  }

  /** What must not be held back or repeats what is known is tried again; nobody waits for it. */
  function keepForLater(batch: readonly Waiting[], error: PzkError): void {
    const all = [...batch, ...queue];
    // All of them: those behind the first batch would wait for as long as the store is away.
    for (const { strict, settle } of all) if (strict) settle(error);
    queue = all.filter(({ strict }) => !strict);
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH);
      queue = queue.slice(BATCH);
      try {
        await append(batch.map(({ draft }) => draft));
        for (const { settle } of batch) settle();
      } catch (cause) {
        last = undefined;
        onFault(cause);
        const message = 'The audit log cannot be written.';
        keepForLater(
          batch,
          isPzkError(cause) ? cause : new PzkError('store_unavailable', message, { cause }),
        );
        schedule(RETRY_DELAY);
        return;
      }
    }
  }

  function startWriting(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= drain().finally(() => {
      writing = undefined;
      // What came while the last batch was settled.
      if (queue.some(({ strict }) => strict)) void startWriting();
      else if (queue.length > 0) schedule(BATCH_DELAY);
    });
    return writing;
  }

  function schedule(delay: number): void {
    timer ??= setTimeout(startWriting, delay).unref();
  }

  return {
    add(draft, kind) {
      const strict = kind === 'strict';
      if (queue.length >= MAX_WAITING && kind !== 'eager') {
        return Promise.reject(refusal('busy', 'Too many entries wait for the audit log.'));
      }
      return new Promise((resolve, reject) => {
        const settle = (error?: PzkError) => (error === undefined ? resolve() : reject(error));
        queue.push({ draft, strict, settle });
        if (!strict) resolve();
        if (kind === 'batched' && queue.length < BATCH) schedule(BATCH_DELAY);
        else void startWriting();
      });
    },
    async flush(timeout) {
      const deadline = Date.now() + timeout;
      while ((queue.length > 0 || writing !== undefined) && Date.now() < deadline) {
        await Promise.race([startWriting(), wait(Math.max(1, deadline - Date.now()))]);
        if (queue.length > 0) await wait(Math.min(50, Math.max(1, deadline - Date.now())));
      }
      return queue.length;
    },
  };
}
