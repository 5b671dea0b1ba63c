import { unavailable } from './bounded-client.js';

/** A whole number, also from a client with `stringNumbers`. */
export function parseCount(answer: unknown): number {
  const text = String(answer);
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw unavailable('Redis gave no whole number.');
  return Number(text);
}
