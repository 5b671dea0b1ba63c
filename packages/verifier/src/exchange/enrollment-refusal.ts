import type { PzkError } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import type { Engine } from './engine.js';

/**
 * A refusal to enrol. Clients take `enrollment_refused` as the word that the issuer does not know the
 * passkey, and have it deleted. A request that the network delivers twice is refused here as well, for
 * the device that the first delivery enrolled; what is stored gets the answer of a nonce that was used.
 * Looked up after the refusal was decided: rows never vanish, so nothing can slip in between.
 */
export async function enrollmentRefusal(
  engine: Engine,
  device: Pick<DeviceRow, 'credentialId' | 'jkt'>,
  account: string,
  reason: string,
): Promise<PzkError> {
  const { devices } = engine.stores;
  const stored =
    device.credentialId === ''
      ? await devices.findByJkt(account, device.jkt)
      : await devices.findByCredentialId(device.credentialId);
  if (stored === undefined) return refusal('enrollment_refused', reason);
  return refusal('invalid_nonce', `${reason} The credential is known.`);
}
