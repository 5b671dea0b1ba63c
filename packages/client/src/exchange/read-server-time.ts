import type { DatedRequest } from '../transport/transport.js';
import type { ExchangeContext } from './exchange-context.js';
import { requestChallenge } from './request-challenge.js';

/** A change below this is no reason for a refusal. Milliseconds. */
const NOTABLE_MS = 2000;

/**
 * Takes the time from a challenge that is used for nothing else: it costs the server no state.
 *
 * @returns Whether the server's time differs from what the refused request held it to be.
 */
export async function readServerTime(
  context: ExchangeContext,
  { key, signal, clockOffset }: DatedRequest,
): Promise<boolean> {
  const { signer } = context;
  const differs = () => Math.abs(signer.clockOffset - clockOffset) > NOTABLE_MS;
  // Of several requests that were refused together, the first one has asked.
  if (differs()) return true;
  try {
    await requestChallenge(context, 'session', key, signal);
  } catch {
    // The refusal that led here says more than this failure.
    return false;
  }
  return differs();
}
