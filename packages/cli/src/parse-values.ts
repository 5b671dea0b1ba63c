import { isBase64url } from '@pzk-auth/protocol';
import { usageError } from './cli-error.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `90s`, `15m`, `24h`, `30d` or `0` as seconds. */
export function parseDuration(option: string, text: string): number {
  if (text === '0') return 0;
  const [, count, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw usageError(`--${option} is a duration: 90s, 15m, 24h, 30d or 0.`);
  }
  return Number(count) * (UNITS[unit] ?? 0);
}

/** Reads a duration from now on or a time in ISO 8601 as milliseconds since the epoch. */
export function parseTime(option: string, text: string, now = Date.now()): number {
  if (/^[0-9]+[a-z]$/.test(text)) return now + parseDuration(option, text) * 1000;
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) {
    throw usageError(`--${option} is a duration (90d) or a time (2030-01-31T00:00:00Z).`);
  }
  return time;
}

/** Reads `seq:hash`, as `audit verify` printed it. */
export function parseAnchor(text: string): { readonly seq: number; readonly hash: string } {
  const [, seq, hash] = /^([1-9][0-9]{0,15}):([A-Za-z0-9_-]{43})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined) {
    throw usageError('--anchor is the head that an earlier run printed: number:hash.');
  }
  return { seq: Number(seq), hash };
}

/** Reads the hash of a receipt. */
export function parseHash(option: string, text: string): string {
  if (isBase64url(text, 32)) return text;
  throw usageError(`--${option} is the hash of a receipt: 43 characters of base64url.`);
}
