import { isPzkError, PzkError } from '@pzk-auth/protocol';
import { durations } from '../durations.js';

const PASSED_ON: ReadonlySet<string> = new Set(['busy', 'store_unavailable', 'too_many_requests']);
const OWN_FAULTS = [TypeError, ReferenceError, RangeError, SyntaxError];

/** What hangs would hold up a shutdown, and whoever waits with it. */
function withinTime<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('The application took too long.'));
    const timer = setTimeout(late, durations.apiKeyCheck);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/**
 * Asks the application about a plain API key. One that cannot answer says no yes and no no: mostly its
 * database is away.
 *
 * @throws PzkError `store_unavailable`; `server_error` for a programming error.
 */
export async function askApplication<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await withinTime(async () => work());
  } catch (cause) {
    if (isPzkError(cause) && PASSED_ON.has(cause.code)) throw cause;
    const own = isPzkError(cause) || OWN_FAULTS.some((type) => cause instanceof type);
    const code = own ? 'server_error' : 'store_unavailable';
    throw new PzkError(code, 'The application cannot tell about the API key.', { cause });
  }
}
