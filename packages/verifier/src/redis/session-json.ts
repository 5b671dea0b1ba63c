import * as v from 'valibot';
import type { SessionRow } from '../stores/short-lived-stores.js';
import { unavailable } from './bounded-client.js';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const sessionRowSchema = v.strictObject({
  sid: v.string(),
  account: v.string(),
  key: v.string(),
  device: v.string(),
  jkt: v.string(),
  audience: v.string(),
  scope: v.string(),
  authTime: count,
  amr: v.array(v.string()),
  keyProtection: v.picklist(['passkey', 'device', 'none']),
  createdAt: count,
});

/** A session row as it stands in Redis. */
export function formatSessionRow(row: SessionRow): string {
  return JSON.stringify(row);
}

/**
 * Reads a session row back, strictly: a row that we did not write is no session.
 *
 * @throws PzkError `store_unavailable`
 */
export function parseSessionRow(text: string): SessionRow {
  try {
    const row = v.parse(sessionRowSchema, JSON.parse(text));
    return Object.freeze({ ...row, amr: Object.freeze(row.amr) });
  } catch {
    // Without the cause, which would quote the row.
    throw unavailable('A session row in Redis is corrupt.');
  }
}
