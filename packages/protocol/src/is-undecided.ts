import { isPzkError } from './errors.js';

const UNDECIDED: ReadonlySet<string> = new Set([
  'network_error',
  'unexpected_response',
  'request_timeout',
  'server_error',
  'store_unavailable',
  'release_undecided',
  'aborted',
]);

/**
 * Whether a change that failed with this error may have happened all the same: its answer was lost or made
 * no sense. Say so to the user, and not that nothing was changed.
 */
export function isUndecided(error: unknown): boolean {
  return !isPzkError(error) || UNDECIDED.has(error.code);
}
