import type { SessionKey } from '../transport/session-key.js';
import type { SynchronizeClock } from '../transport/transport.js';
import { untilAborted } from '../transport/until-aborted.js';
import type { ExchangeContext } from './exchange-context.js';
import { requestChallenge } from './request-challenge.js';

/** A change below this is no reason for a refusal. Milliseconds. */
const NOTABLE_MS = 2000;

/**
 * Takes the time from a challenge that is used for nothing else: it costs the server no state.
 * Requests that were refused together share one.
 *
 * @param getContext - Called at each refusal.
 */
export function createClockReader(getContext: () => ExchangeContext): SynchronizeClock {
  let asking: Promise<unknown> | undefined;

  function ask(key: SessionKey): Promise<unknown> {
    // Of no caller's signal: the others wait for it, too. The transport bounds its time.
    const { signal } = new AbortController();
    asking ??= requestChallenge(getContext(), 'session', key, signal).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  return async ({ key, signal, clockOffset }) => {
    const { signer } = getContext();
    const differs = () => Math.abs(signer.clockOffset - clockOffset) > NOTABLE_MS;
    if (differs()) return true;
    // The refusal that led here says more than a failure to ask.
    await untilAborted(ask(key), signal).catch(() => undefined);
    return differs();
  };
}
