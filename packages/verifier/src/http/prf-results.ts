import { refusal } from '../refuse.js';

function hasResults(credential: unknown): boolean {
  if (typeof credential !== 'object' || credential === null) return false;
  const extensions = (credential as { clientExtensionResults?: unknown }).clientExtensionResults;
  if (typeof extensions !== 'object' || extensions === null) return false;
  const prf = (extensions as { prf?: unknown }).prf;
  return typeof prf === 'object' && prf !== null && 'results' in prf;
}

/**
 * Refuses a body that carries PRF results, with a code of its own: a client that sends them has a
 * fault that gives its user's vault away. Nothing of the value is kept or logged.
 *
 * @throws PzkError `prf_results_sent`
 */
export function assertNoPrfResults(...credentials: readonly unknown[]): void {
  if (credentials.some(hasResults)) {
    throw refusal('prf_results_sent', 'The client sent PRF results.');
  }
}
