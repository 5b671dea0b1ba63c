import { type ActivityResponse, limits, pageRequestSchema } from '@pzk-auth/protocol';
import * as v from 'valibot';
import type { Engine } from '../exchange/engine.js';
import { readMessage } from '../http/read-message.js';
import type { AuditRow } from '../stores/audit-store.js';
import { authenticateVaultCaller } from '../vault/vault-caller.js';

type Entry = ActivityResponse['entries'][number];

/** What a user is shown of an entry; other members are nobody's business outside. */
const bodySchema = v.object({
  id: v.optional(v.string()),
  type: v.string(),
  account: v.string(),
  kind: v.optional(v.string()),
  device: v.optional(v.string()),
  recipient: v.optional(v.string()),
  agent: v.optional(v.string()),
  slot: v.optional(v.string()),
  request: v.optional(v.string()),
  key: v.optional(v.string()),
});

/** What was revoked stands in an entry as `kind` and `id`. */
function revokedIds(kind: string | undefined, id: string | undefined) {
  if (kind === 'device') return { device: id };
  return kind === 'key' ? { key: id } : {};
}

/**
 * An entry as its account sees it. The text is what the chain covers, so it decides whose it is, and not
 * the column that it was found by.
 */
function describeEntry({ at, body, hash }: AuditRow, account: string): Entry | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), bodySchema), body);
  if (!parsed.success || parsed.output.account !== account) return undefined;
  const { id, type, kind, device, recipient, agent, slot, request, key } = parsed.output;
  const ids = { device, recipient, agent, slot, request, key, ...revokedIds(kind, id) };
  const named = Object.entries(ids).filter(([, value]) => value !== undefined && value !== '');
  return { id: hash, at: Math.floor(at / 1000), type, ...Object.fromEntries(named) };
}

/** `POST {base}/vault/activity`: what the audit log says of the account, newest first. */
export async function listActivity(engine: Engine, request: Request): Promise<ActivityResponse> {
  const { before } = await readMessage(request, pageRequestSchema);
  const { vault } = await authenticateVaultCaller(engine, request, '/vault/activity');
  const { account } = vault;
  const rows = await engine.stores.audit.listByAccount(account, {
    before: before === undefined ? undefined : before * 1000,
    limit: limits.listPage,
  });
  const entries = rows.map((row) => describeEntry(row, account));
  return { entries: entries.filter((entry) => entry !== undefined) };
}
